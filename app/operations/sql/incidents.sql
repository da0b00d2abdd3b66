-- What went wrong badly enough for somebody outside to be told. Facts stay as they were written; what is learned later
-- is added beside them, and the notices that were sent stand with who sent them and when.
CREATE TABLE incident (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    title          text NOT NULL CHECK (title <> ''),
    began_at       timestamptz NOT NULL,
    aware_at       timestamptz NOT NULL,      -- every clock runs from here
    happened       text NOT NULL CHECK (happened <> ''),
    personal_data  boolean NOT NULL,          -- members' data is concerned
    cbk_applies    boolean NOT NULL,          -- the Central Bank's guideline binds whoever runs this
    members        integer CHECK (members >= 0),      -- NULL: not known yet
    amount_cents   bigint CHECK (amount_cents >= 0),
    opened_by      bigint NOT NULL REFERENCES staff,
    opened_at      timestamptz NOT NULL DEFAULT now(),
    closed_at      timestamptz,
    closed_by      bigint REFERENCES staff,
    closed_why     text CHECK (closed_why <> ''),
    CONSTRAINT incident_times CHECK (began_at <= aware_at AND aware_at <= opened_at),
    CONSTRAINT incident_closed CHECK ((closed_at IS NULL) = (closed_by IS NULL) AND (closed_at IS NULL) = (closed_why IS NULL))
);

CREATE TABLE incident_entry (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id  bigint NOT NULL REFERENCES incident,
    kind         text NOT NULL CHECK (kind IN ('note', 'sasra', 'odpc', 'controller', 'cbk')), -- learned, or who was told
    at           timestamptz NOT NULL CHECK (at <= made_at),  -- when the notice was sent
    said         text NOT NULL CHECK (said <> ''),            -- a notice's reference, or what was learned
    made_by      bigint NOT NULL REFERENCES staff,
    made_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX incident_entry_incident ON incident_entry (incident_id, id);

CREATE FUNCTION incident_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.closed_at IS NOT NULL
       OR to_jsonb(NEW) - '{closed_at,closed_by,closed_why}'::text[]
          <> to_jsonb(OLD) - '{closed_at,closed_by,closed_why}'::text[] THEN
        RAISE EXCEPTION 'incident % stays as it was written, and is closed once', OLD.id
            USING ERRCODE = 'BZ033', CONSTRAINT = 'incident_closed_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER incident_guard BEFORE UPDATE ON incident FOR EACH ROW EXECUTE FUNCTION incident_guard();
CREATE TRIGGER incident_kept BEFORE DELETE ON incident FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE FUNCTION incident_entry_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Whoever closes holds the row until the commit, so nothing slips in after the close.
    PERFORM FROM incident WHERE id = NEW.incident_id AND closed_at IS NULL AND aware_at <= NEW.at FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'incident % takes no entry of %', NEW.incident_id, NEW.at
            USING ERRCODE = 'BZ033', CONSTRAINT = 'incident_entry_open';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER incident_entry_guard BEFORE INSERT ON incident_entry FOR EACH ROW EXECUTE FUNCTION incident_entry_guard();
CREATE TRIGGER incident_entry_kept BEFORE UPDATE OR DELETE ON incident_entry FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What people did within some hours: the record only grows, so its rows lie in the order of time.
CREATE INDEX staff_action_at ON staff_action USING brin (at);

GRANT SELECT, INSERT ON incident, incident_entry TO baraza_app;
GRANT UPDATE (closed_at, closed_by, closed_why) ON incident TO baraza_app;
