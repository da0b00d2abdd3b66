-- Questions to M-PESA about our accounts, and what came back.

-- At most one row is open: one question at a time, whichever worker asks it.
CREATE TABLE balance_query (
    id               uuid PRIMARY KEY,         -- in the address that its answer comes back to
    wanted_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    wanted_by        text,                     -- the person who wants to know; NULL: the schedule
    asked_at         timestamptz,              -- committed before the call; NULL: not yet
    outcome          text,                     -- how the call ended; NULL: nobody knows
    conversation_id  text,
    answered_at      timestamptz,              -- an answer was believed, and no other will be
    ended_at         timestamptz,              -- answered, turned away or given up: the next may go out
    CHECK (answered_at IS NULL OR ended_at IS NOT NULL)
);
CREATE UNIQUE INDEX balance_query_one ON balance_query ((true)) WHERE ended_at IS NULL;
CREATE INDEX balance_query_asked ON balance_query (asked_at DESC) WHERE asked_at IS NOT NULL;
CREATE INDEX balance_query_wanted ON balance_query (wanted_at DESC);
CREATE TRIGGER balance_query_kept BEFORE DELETE ON balance_query FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Whatever comes to a query's address is filed first and worked later.
CREATE TABLE balance_answer (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    query_id     uuid NOT NULL REFERENCES balance_query,
    kind         text NOT NULL CHECK (kind IN ('result', 'timeout')),
    sha256       bytea NOT NULL,
    body         jsonb NOT NULL,               -- credentials taken out
    source       text NOT NULL,                -- the caller's address
    copies       integer NOT NULL DEFAULT 1,
    received_at  timestamptz NOT NULL DEFAULT now(),
    worked_at    timestamptz,
    verdict      text                          -- what it was taken for
);
CREATE UNIQUE INDEX balance_answer_once ON balance_answer (query_id, kind, sha256);
CREATE INDEX balance_answer_waiting ON balance_answer (id) WHERE worked_at IS NULL;
CREATE TRIGGER balance_answer_kept BEFORE DELETE ON balance_answer FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Told by this query; otherwise by the payout whose result it came with.
ALTER TABLE float_reading ADD COLUMN query_id uuid REFERENCES balance_query;
CREATE UNIQUE INDEX float_reading_query ON float_reading (query_id) WHERE query_id IS NOT NULL;

GRANT SELECT, INSERT, UPDATE (asked_at, outcome, conversation_id, answered_at, ended_at) ON balance_query TO baraza_app;
GRANT SELECT, INSERT, UPDATE (copies, worked_at, verdict) ON balance_answer TO baraza_app;
