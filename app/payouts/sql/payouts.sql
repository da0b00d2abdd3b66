-- The payout saga: the row is the queue, the event log is written by the database itself,
-- and no move is possible that the table of moves does not hold.

CREATE TABLE payout_state (
    name   text PRIMARY KEY,
    is_open boolean NOT NULL   -- the member's money waits in payouts in transit
);
CREATE TABLE payout_move (
    from_state  text NOT NULL REFERENCES payout_state,
    to_state    text NOT NULL REFERENCES payout_state,
    needs       text NOT NULL CHECK (needs IN ('nothing', 'success', 'refusal', 'never_sent')),
    PRIMARY KEY (from_state, to_state, needs)
);

-- What was shown on the confirm screen binds: the amounts are copied from here, never computed again.
CREATE TABLE quote (
    id            uuid PRIMARY KEY,
    session_id    text NOT NULL,
    transcript_mac bytea NOT NULL,
    member_id     bigint NOT NULL REFERENCES member,
    account_id    bigint NOT NULL REFERENCES member_account,
    amount_cents  bigint NOT NULL CHECK (amount_cents > 0 AND amount_cents % 100 = 0),
    fee_cents     bigint NOT NULL CHECK (fee_cents >= 0),
    duty_cents    bigint NOT NULL CHECK (duty_cents >= 0),
    shown_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (session_id, transcript_mac)
);

CREATE TABLE payout (
    id               uuid PRIMARY KEY,          -- also, as text, the one OriginatorConversationID
    reference        text NOT NULL UNIQUE CHECK (reference ~ '^BRZ[2-9A-HJKMNP-Z]{7}$'),
    quote_id         uuid NOT NULL UNIQUE REFERENCES quote,
    member_id        bigint NOT NULL REFERENCES member,
    account_id       bigint NOT NULL REFERENCES member_account,
    msisdn           text NOT NULL,
    language         text NOT NULL,
    amount_cents     bigint NOT NULL CHECK (amount_cents > 0 AND amount_cents % 100 = 0),
    fee_cents        bigint NOT NULL CHECK (fee_cents >= 0),
    duty_cents       bigint NOT NULL CHECK (duty_cents >= 0),
    total_cents      bigint GENERATED ALWAYS AS (amount_cents + fee_cents + duty_cents) STORED,
    -- Settle and compensate share one id, made before the first call: the ledger lets one happen.
    reserve_id       uuid NOT NULL UNIQUE,
    resolve_id       uuid NOT NULL UNIQUE,

    state            text NOT NULL DEFAULT 'requested' REFERENCES payout_state,
    version          integer NOT NULL DEFAULT 1,
    state_since      timestamptz NOT NULL DEFAULT now(),
    cause            text NOT NULL DEFAULT 'member confirmed',
    evidence_id      bigint,                    -- the evidence that the last move stands on
    reason_code      text,                      -- why it was declined or refused; chooses the member's text
    frozen           boolean NOT NULL DEFAULT false, -- a contradiction: nothing automatic touches it

    conversation_id  text,                      -- M-PESA's own id, once acknowledged
    receipt          text UNIQUE,               -- M-PESA's code, which the member sees too
    requested_at     timestamptz NOT NULL DEFAULT now(),
    first_call_at    timestamptz,               -- opens the resend window, in database time

    -- Timers are separate, so that none can stand in for another. None of them moves money.
    work_due_at      timestamptz DEFAULT now(), -- debit or pay
    doubt_due_at     timestamptz,               -- no answer by then: in doubt
    ask_due_at       timestamptz,               -- next status query
    asks             smallint NOT NULL DEFAULT 0,
    resend_due_at    timestamptz,               -- next resend of the same request, while the window is open
    notice_due_at    timestamptz,               -- tell the member that M-PESA is silent

    claimed_by       text,
    lease_until      timestamptz,
    -- A step that raised: the payout leaves that step's batches and is worked alone.
    failures         smallint NOT NULL DEFAULT 0,
    failed_step      text,
    failure          text,
    retry_at         timestamptz,

    CHECK (state <> 'paid' OR receipt IS NOT NULL),
    CHECK (state NOT IN ('paid', 'reversed', 'cancelled', 'recovery', 'returned') OR evidence_id IS NOT NULL)
) WITH (fillfactor = 70);

-- One open payout a member. A recovery is the SACCO's matter and does not block her.
CREATE UNIQUE INDEX payout_one_open ON payout (member_id)
    WHERE state IN ('requested', 'reserved', 'approval', 'submitting', 'submitted', 'in_doubt');
CREATE INDEX payout_work ON payout (state, work_due_at) WHERE work_due_at IS NOT NULL;
CREATE INDEX payout_doubt ON payout (doubt_due_at) WHERE doubt_due_at IS NOT NULL;
CREATE INDEX payout_ask ON payout (ask_due_at) WHERE ask_due_at IS NOT NULL;
CREATE INDEX payout_resend ON payout (resend_due_at) WHERE resend_due_at IS NOT NULL;
CREATE INDEX payout_notice ON payout (notice_due_at) WHERE notice_due_at IS NOT NULL;
CREATE INDEX payout_retry ON payout (retry_at) WHERE retry_at IS NOT NULL;
CREATE INDEX payout_claimed ON payout (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX payout_member ON payout (member_id, requested_at DESC);
CREATE INDEX payout_recent ON payout (requested_at DESC);

-- One row per call to M-PESA, committed before the call. All carry the payout's one id.
CREATE TABLE attempt (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payout_id        uuid NOT NULL REFERENCES payout,
    n                smallint NOT NULL CHECK (n > 0),
    body_hash        bytea NOT NULL,           -- a resend carries the same body, byte for byte
    committed_at     timestamptz NOT NULL DEFAULT now(),
    finished_at      timestamptz,
    outcome          text CHECK (outcome IN ('accepted', 'duplicate', 'refused', 'not_processed', 'not_sent', 'in_doubt')),
    http_status      smallint,
    error_code       text,
    conversation_id  text,
    UNIQUE (payout_id, n)
);

CREATE TABLE status_query (
    id               uuid PRIMARY KEY,         -- in the address that its answer comes back to
    payout_id        uuid NOT NULL REFERENCES payout,
    asked_at         timestamptz NOT NULL DEFAULT now(),
    outcome          text,
    conversation_id  text
);
CREATE INDEX status_query_payout ON status_query (payout_id, asked_at);

-- Whatever providers post to us is filed first and worked later.
CREATE TABLE inbox (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('b2c_result', 'b2c_timeout', 'status_result', 'status_timeout')),
    payout_id    uuid NOT NULL,                -- from the address; no foreign key, a liar may name anything
    query_id     uuid,
    sha256       bytea NOT NULL,
    body         jsonb NOT NULL,               -- credentials taken out
    source       text NOT NULL,                -- the caller's address
    copies       integer NOT NULL DEFAULT 1,
    received_at  timestamptz NOT NULL DEFAULT now(),
    worked_at    timestamptz,
    verdict      text                          -- what it was taken for
);
CREATE UNIQUE INDEX inbox_once ON inbox (kind, payout_id, (coalesce(query_id, payout_id)), sha256);
CREATE INDEX inbox_waiting ON inbox (payout_id) WHERE worked_at IS NULL;

-- Everything that anybody ever told us about a payout, classified. Evidence moves payouts.
CREATE TABLE evidence (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payout_id        uuid NOT NULL REFERENCES payout,
    source           text NOT NULL CHECK (source IN ('own', 'ack', 'callback', 'status', 'statement', 'person')),
    class            text NOT NULL CHECK (class IN (
                       'success', 'definite_no', 'never_sent', 'not_sent', 'not_processed', 'accepted', 'accepted_earlier',
                       'doubt', 'open', 'not_known_now', 'about_query', 'contradiction')),
    code             text,                     -- the provider's code, as text
    receipt          text,
    amount_cents     bigint,
    conversation_id  text,
    detail           text,
    attempt_id       bigint REFERENCES attempt,
    query_id         uuid REFERENCES status_query,
    inbox_id         bigint REFERENCES inbox,
    at               timestamptz NOT NULL DEFAULT now(),
    folded_at        timestamptz               -- when resolve took it into account
);
CREATE INDEX evidence_waiting ON evidence (payout_id) WHERE folded_at IS NULL;
CREATE INDEX evidence_payout ON evidence (payout_id, id);
CREATE INDEX evidence_receipt ON evidence (receipt) WHERE receipt IS NOT NULL; -- one receipt, one payout
ALTER TABLE payout ADD FOREIGN KEY (evidence_id) REFERENCES evidence;

-- One row per move, written by the trigger below, so that no code can forget it.
CREATE TABLE payout_event (
    payout_id    uuid NOT NULL REFERENCES payout,
    version      integer NOT NULL,
    from_state   text,
    to_state     text NOT NULL,
    cause        text NOT NULL,
    evidence_id  bigint,
    at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (payout_id, version)
);

-- Payouts that need a person because a step raised every time.
CREATE TABLE dead_letter (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payout_id   uuid NOT NULL REFERENCES payout,
    step        text NOT NULL,
    reason      text NOT NULL,
    count       integer NOT NULL DEFAULT 1,
    first_seen  timestamptz NOT NULL DEFAULT now(),
    last_seen   timestamptz NOT NULL DEFAULT now(),
    closed_at   timestamptz,
    UNIQUE (payout_id, step)
);

-- A worker that is silent for longer than its leases allow has them voided.
CREATE TABLE worker_heartbeat (
    name        text PRIMARY KEY,
    queues      text NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now(),
    beat_at     timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION payout_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    evidence_class text;
    call_made boolean;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'requested' OR NEW.version <> 1 THEN
            RAISE EXCEPTION 'a payout begins as requested, version 1'
                USING ERRCODE = 'BZ001', CONSTRAINT = 'payout_begins_requested';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.reference, NEW.quote_id, NEW.member_id, NEW.account_id, NEW.msisdn, NEW.amount_cents,
        NEW.fee_cents, NEW.duty_cents, NEW.reserve_id, NEW.resolve_id, NEW.requested_at)
       IS DISTINCT FROM
       (OLD.id, OLD.reference, OLD.quote_id, OLD.member_id, OLD.account_id, OLD.msisdn, OLD.amount_cents,
        OLD.fee_cents, OLD.duty_cents, OLD.reserve_id, OLD.resolve_id, OLD.requested_at) THEN
        RAISE EXCEPTION 'what a payout is for never changes'
            USING ERRCODE = 'BZ002', CONSTRAINT = 'payout_is_immutable';
    END IF;
    IF NEW.state = OLD.state THEN
        NEW.version := OLD.version;
        RETURN NEW;
    END IF;
    IF OLD.frozen THEN
        RAISE EXCEPTION 'payout % is frozen by a contradiction; a person decides', OLD.reference
            USING ERRCODE = 'BZ003', CONSTRAINT = 'payout_frozen';
    END IF;
    IF NEW.evidence_id IS NOT NULL THEN
        SELECT class INTO evidence_class FROM evidence WHERE id = NEW.evidence_id AND payout_id = NEW.id;
    END IF;
    SELECT EXISTS (SELECT FROM attempt WHERE payout_id = NEW.id) INTO call_made;
    IF NOT EXISTS (
        SELECT FROM payout_move m
        WHERE m.from_state = OLD.state AND m.to_state = NEW.state
          AND CASE m.needs
                WHEN 'nothing' THEN true
                WHEN 'success' THEN evidence_class = 'success'
                WHEN 'refusal' THEN evidence_class = 'definite_no'
                WHEN 'never_sent' THEN NOT call_made
              END) THEN
        RAISE EXCEPTION 'payout % may not go from % to % on evidence %',
            OLD.reference, OLD.state, NEW.state, coalesce(evidence_class, 'none')
            USING ERRCODE = 'BZ004', CONSTRAINT = 'payout_move_allowed';
    END IF;
    NEW.version := OLD.version + 1;
    NEW.state_since := now();
    RETURN NEW;
END $$;

CREATE FUNCTION payout_record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' OR NEW.state <> OLD.state THEN
        INSERT INTO payout_event (payout_id, version, from_state, to_state, cause, evidence_id)
        VALUES (NEW.id, NEW.version, CASE WHEN TG_OP = 'UPDATE' THEN OLD.state END, NEW.state,
                NEW.cause, NEW.evidence_id);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'BZ005', CONSTRAINT = 'append_only';
END $$;

CREATE TRIGGER payout_guard BEFORE INSERT OR UPDATE ON payout FOR EACH ROW EXECUTE FUNCTION payout_guard();
CREATE TRIGGER payout_record AFTER INSERT OR UPDATE ON payout FOR EACH ROW EXECUTE FUNCTION payout_record();
CREATE TRIGGER payout_kept BEFORE DELETE ON payout FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payout_event_kept BEFORE UPDATE OR DELETE ON payout_event FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER attempt_kept BEFORE DELETE ON attempt FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER evidence_kept BEFORE DELETE ON evidence FOR EACH ROW EXECUTE FUNCTION refuse_change();

GRANT SELECT ON payout_state, payout_move, payout_event TO baraza_app;
GRANT SELECT, INSERT ON quote, inbox, attempt, status_query, evidence, payout, dead_letter, worker_heartbeat TO baraza_app;
GRANT UPDATE (state, cause, evidence_id, reason_code, frozen, conversation_id, receipt, first_call_at, work_due_at,
              doubt_due_at, ask_due_at, asks, resend_due_at, notice_due_at, claimed_by, lease_until, failures,
              failed_step, failure, retry_at)
    ON payout TO baraza_app;
GRANT UPDATE (finished_at, outcome, http_status, error_code, conversation_id) ON attempt TO baraza_app;
GRANT UPDATE (outcome, conversation_id) ON status_query TO baraza_app;
GRANT UPDATE (copies, worked_at, verdict) ON inbox TO baraza_app;
GRANT UPDATE (folded_at) ON evidence TO baraza_app;
GRANT UPDATE (count, last_seen, reason, closed_at) ON dead_letter TO baraza_app;
GRANT UPDATE (queues, started_at, beat_at), DELETE ON worker_heartbeat TO baraza_app;
