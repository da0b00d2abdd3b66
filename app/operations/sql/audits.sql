-- Every check of all that must be true: what it read, and what was broken. Only ever added to.
CREATE TABLE audit_run (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('full', 'recent')),
    started_at   timestamptz NOT NULL,
    finished_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    rules        integer NOT NULL CHECK (rules > 0),
    broken       integer NOT NULL,
    unanswered   integer NOT NULL,         -- rules that could not be asked in time
    findings     jsonb NOT NULL,           -- of broken and unanswered rules: rule, state, detail
    seen_to      timestamptz NOT NULL,     -- the next check of what is new begins here
    seen_xact    bigint NOT NULL,          -- and, in the books, with this transaction number
    CHECK (broken + unanswered = jsonb_array_length(findings))
);
CREATE INDEX audit_run_kind ON audit_run (kind, id DESC);
CREATE TRIGGER audit_run_kept BEFORE UPDATE ON audit_run FOR EACH ROW EXECUTE FUNCTION refuse_change();
-- What found nothing may be forgotten after a month. What found something never is.
CREATE TRIGGER audit_run_remembered BEFORE DELETE ON audit_run FOR EACH ROW
    WHEN (OLD.broken + OLD.unanswered > 0 OR OLD.kind = 'full' OR OLD.finished_at > now() - interval '30 days')
    EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT, DELETE ON audit_run TO baraza_app;

-- What the check of every minute finds the new rows by. Rows of these tables come in the order of their time, so a
-- summary of each stretch of the table is enough, and costs next to nothing to keep.
CREATE INDEX payout_event_at ON payout_event USING brin (at) WITH (autosummarize = on, pages_per_range = 16);
CREATE INDEX evidence_at ON evidence USING brin (at) WITH (autosummarize = on, pages_per_range = 16);
CREATE INDEX attempt_committed ON attempt USING brin (committed_at) WITH (autosummarize = on, pages_per_range = 16);
CREATE INDEX inbox_received ON inbox USING brin (received_at) WITH (autosummarize = on, pages_per_range = 16);
CREATE INDEX message_queued ON message USING brin (queued_at) WITH (autosummarize = on, pages_per_range = 16);
CREATE INDEX attempt_conversation ON attempt (conversation_id) WHERE conversation_id IS NOT NULL;
CREATE INDEX evidence_inbox ON evidence (inbox_id) WHERE inbox_id IS NOT NULL;
