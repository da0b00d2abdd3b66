-- M-PESA's own account of what it did with our money: the statements that it gives, and each of their lines.

CREATE TABLE statement_import (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256         bytea NOT NULL UNIQUE,
    file_name      text NOT NULL,
    shortcode      text NOT NULL,
    covers_from    timestamptz NOT NULL,
    covers_to      timestamptz NOT NULL,
    lines          integer NOT NULL CHECK (lines >= 0),
    opening_cents  bigint NOT NULL,
    closing_cents  bigint NOT NULL,
    imported_at    timestamptz NOT NULL DEFAULT now(),
    imported_by    text NOT NULL,
    CHECK (covers_to > covers_from)
);
-- A movement is kept once, however many files show it.
CREATE TABLE statement_line (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    import_id        bigint NOT NULL REFERENCES statement_import,
    receipt          text NOT NULL,
    completed_at     timestamptz NOT NULL,
    kind             text NOT NULL CHECK (kind IN ('payment', 'taken_back', 'charge', 'money_in', 'money_out')),
    details          text NOT NULL,
    status           text NOT NULL,
    paid_in_cents    bigint NOT NULL CHECK (paid_in_cents >= 0),
    withdrawn_cents  bigint NOT NULL CHECK (withdrawn_cents >= 0),
    balance_cents    bigint NOT NULL,
    payout_id        uuid REFERENCES payout,     -- that it is about, by our own id or by the receipt
    evidence_id      bigint REFERENCES evidence, -- what it told that was not known
    entry_id         uuid,                       -- what was booked because of it
    UNIQUE (receipt, completed_at, paid_in_cents, withdrawn_cents, status)
);
CREATE INDEX statement_line_payout ON statement_line (payout_id) WHERE payout_id IS NOT NULL;
CREATE INDEX statement_line_unplaced ON statement_line (withdrawn_cents, completed_at) WHERE payout_id IS NULL;
CREATE TRIGGER statement_import_kept BEFORE UPDATE OR DELETE ON statement_import
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER statement_line_kept BEFORE DELETE ON statement_line FOR EACH ROW EXECUTE FUNCTION refuse_change();
-- What M-PESA said stays; what it is about may be found out later, once.
CREATE TRIGGER statement_line_stays BEFORE UPDATE ON statement_line FOR EACH ROW
    WHEN (to_jsonb(OLD) - '{payout_id,evidence_id,entry_id}'::text[]
          <> to_jsonb(NEW) - '{payout_id,evidence_id,entry_id}'::text[]
          OR OLD.payout_id <> NEW.payout_id OR OLD.evidence_id <> NEW.evidence_id OR OLD.entry_id <> NEW.entry_id)
    EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON statement_import, statement_line TO baraza_app;
GRANT UPDATE (payout_id, evidence_id, entry_id) ON statement_line TO baraza_app;
