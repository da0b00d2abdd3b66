-- People who work at the SACCO, and what they did.

CREATE TABLE staff (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email          text NOT NULL UNIQUE CHECK (email = lower(email)),
    name           text NOT NULL,
    role           text NOT NULL CHECK (role IN ('support', 'finance', 'ops', 'manager', 'auditor')),
    password_hash  text NOT NULL,
    session_key    uuid NOT NULL,                -- changes when every session must end
    failures       smallint NOT NULL DEFAULT 0,
    locked_until   timestamptz,
    disabled_at    timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE staff_action (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    staff_id  bigint REFERENCES staff,           -- NULL: nobody we know
    action    text NOT NULL,
    detail    jsonb NOT NULL DEFAULT '{}',
    source    text NOT NULL,                     -- the caller's address, or 'command line'
    at        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX staff_action_staff ON staff_action (staff_id, id DESC);
CREATE INDEX staff_action_refused ON staff_action (source, at) WHERE action = 'sign_in_refused';
CREATE TRIGGER staff_action_kept BEFORE UPDATE OR DELETE ON staff_action FOR EACH ROW EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON staff, staff_action TO baraza_app;
GRANT UPDATE (password_hash, session_key, failures, locked_until, disabled_at) ON staff TO baraza_app;
