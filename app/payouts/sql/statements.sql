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
CREATE TABLE statement_line (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    import_id        bigint NOT NULL REFERENCES statement_import,
    receipt          text NOT NULL,
    completed_at     timestamptz NOT NULL,
    details          text NOT NULL,
    status           text NOT NULL,
    paid_in_cents    bigint NOT NULL CHECK (paid_in_cents >= 0),
    withdrawn_cents  bigint NOT NULL CHECK (withdrawn_cents >= 0),
    balance_cents    bigint NOT NULL,
    kind             text NOT NULL,
    payout_id        uuid REFERENCES payout,
    evidence_id      bigint REFERENCES evidence
);
CREATE INDEX statement_line_receipt ON statement_line (receipt);
CREATE INDEX statement_line_unplaced ON statement_line (withdrawn_cents, completed_at) WHERE payout_id IS NULL;

GRANT SELECT, INSERT ON statement_import, statement_line TO baraza_app;
GRANT UPDATE (payout_id, evidence_id) ON statement_line TO baraza_app;
