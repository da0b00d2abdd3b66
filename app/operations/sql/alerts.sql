-- What is wrong now, and what was. A rule opens an alert, and the same rule clears it.
CREATE TABLE alert (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule             text NOT NULL,
    subject          text NOT NULL,        -- what it is about: a payout's reference, a provider, a queue
    severity         text NOT NULL CHECK (severity IN ('page', 'warn')),
    detail           text NOT NULL,
    opened_at        timestamptz NOT NULL DEFAULT now(),
    last_seen_at     timestamptz NOT NULL DEFAULT now(),
    acknowledged_at  timestamptz,
    acknowledged_by  text,
    note             text,
    cleared_at       timestamptz,          -- by itself, once the rule no longer finds it
    CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL))
);
CREATE UNIQUE INDEX alert_open ON alert (rule, subject) WHERE cleared_at IS NULL;
CREATE INDEX alert_recent ON alert (opened_at DESC);
CREATE TRIGGER alert_kept BEFORE DELETE ON alert FOR EACH ROW EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON alert TO baraza_app;
GRANT UPDATE (severity, detail, last_seen_at, acknowledged_at, acknowledged_by, note, cleared_at) ON alert TO baraza_app;
