-- Differences between our books and M-PESA's statements, and the days that were closed.

-- A rule opens a difference and clears it, once it no longer finds it. People may explain one meanwhile.
CREATE TABLE reconciliation_break (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule          text NOT NULL,
    subject       text NOT NULL,
    detail        text NOT NULL,
    cents         bigint NOT NULL,
    opened_at     timestamptz NOT NULL DEFAULT now(),
    last_seen_at  timestamptz NOT NULL DEFAULT now(),
    cleared_at    timestamptz,
    explained_at  timestamptz,
    explained_by  bigint REFERENCES staff,
    explanation   text CHECK (explanation <> ''),
    CHECK (num_nonnulls(explained_at, explained_by, explanation) IN (0, 3))
);
CREATE UNIQUE INDEX reconciliation_break_open ON reconciliation_break (rule, subject) WHERE cleared_at IS NULL;
CREATE TRIGGER reconciliation_break_kept BEFORE DELETE ON reconciliation_break
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
-- What was explained stays explained, by whoever explained it.
CREATE TRIGGER reconciliation_break_explained BEFORE UPDATE ON reconciliation_break FOR EACH ROW
    WHEN (OLD.explained_at IS NOT NULL AND (OLD.explained_at, OLD.explained_by, OLD.explanation)
          IS DISTINCT FROM (NEW.explained_at, NEW.explained_by, NEW.explanation))
    EXECUTE FUNCTION refuse_change();

-- The report of a day, word for word as it was signed.
CREATE TABLE day_close (
    day         date PRIMARY KEY,
    closed_at   timestamptz NOT NULL DEFAULT now(),
    closed_by   bigint NOT NULL REFERENCES staff,
    report      text NOT NULL,
    sha256      bytea NOT NULL CHECK (sha256 = sha256(convert_to(report, 'UTF8'))),
    signature   bytea NOT NULL,
    public_key  bytea NOT NULL
);
CREATE TRIGGER day_close_kept BEFORE UPDATE OR DELETE ON day_close FOR EACH ROW EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON reconciliation_break, day_close TO baraza_app;
GRANT UPDATE (detail, cents, last_seen_at, cleared_at, explained_at, explained_by, explanation)
    ON reconciliation_break TO baraza_app;
