-- What only people can end: who proposed it, who agreed, and the evidence that came of it.

ALTER TABLE payout_move DROP CONSTRAINT payout_move_needs_check, ADD CONSTRAINT payout_move_needs_check CHECK (
    needs IN ('nothing', 'success', 'refusal', 'never_sent', 'taken_back', 'made_good', 'given_up'));
ALTER TABLE evidence DROP CONSTRAINT evidence_class_check, ADD CONSTRAINT evidence_class_check CHECK (class IN (
    'success', 'definite_no', 'never_sent', 'not_sent', 'not_processed', 'accepted', 'accepted_earlier',
    'doubt', 'open', 'not_known_now', 'about_query', 'contradiction',
    'taken_back', 'made_good', 'given_up', 'upheld'));

-- One person proposes, another one agrees. A proposal is bound to what its maker saw: the payout's version and the
-- latest evidence that says anything about the money.
CREATE TABLE case_proposal (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payout_id      uuid NOT NULL REFERENCES payout,
    action         text NOT NULL CHECK (action IN ('settle', 'release', 'uphold', 'take_back', 'make_good', 'give_up')),
    evidence_class text NOT NULL,           -- what the evidence will say
    code           text,                    -- how, where an action has several ways
    receipt        text,
    proof          text NOT NULL,           -- what was seen to hold when it was proposed
    reason         text NOT NULL CHECK (reason <> ''),
    seen_version   integer NOT NULL,
    seen_evidence  bigint NOT NULL,
    maker_id       bigint NOT NULL REFERENCES staff,
    made_at        timestamptz NOT NULL DEFAULT now(),
    expires_at     timestamptz NOT NULL,
    outcome        text CHECK (outcome IN ('executed', 'rejected', 'void')),
    checker_id     bigint REFERENCES staff,  -- NULL with an outcome: nobody, it was void
    decided_at     timestamptz,
    decided_why    text,
    CONSTRAINT case_proposal_decided CHECK ((outcome IS NULL) = (decided_at IS NULL)),
    CONSTRAINT case_proposal_two_people CHECK (outcome IS DISTINCT FROM 'executed'
                                               OR coalesce(checker_id <> maker_id, false))
);
CREATE UNIQUE INDEX case_proposal_one_open ON case_proposal (payout_id) WHERE outcome IS NULL;
CREATE INDEX case_proposal_payout ON case_proposal (payout_id, id);

ALTER TABLE evidence ADD COLUMN proposal_id bigint UNIQUE REFERENCES case_proposal;

CREATE FUNCTION case_proposal_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.outcome IS NOT NULL
       OR to_jsonb(NEW) - '{outcome,checker_id,decided_at,decided_why}'::text[]
          <> to_jsonb(OLD) - '{outcome,checker_id,decided_at,decided_why}'::text[] THEN
        RAISE EXCEPTION 'proposal % stays as it was made, and is decided once', OLD.id
            USING ERRCODE = 'BZ031', CONSTRAINT = 'case_proposal_decided_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER case_proposal_guard BEFORE UPDATE ON case_proposal
    FOR EACH ROW EXECUTE FUNCTION case_proposal_guard();
CREATE TRIGGER case_proposal_kept BEFORE DELETE ON case_proposal FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- A person's word is evidence only as what two people agreed on. At commit, so that a preview can do all that the
-- execution will do, and be rolled back.
CREATE FUNCTION evidence_of_people() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM case_proposal c
                    WHERE NEW.source = 'person' AND c.id = NEW.proposal_id AND c.outcome = 'executed'
                      AND c.payout_id = NEW.payout_id AND c.evidence_class = NEW.class
                      AND (c.code, c.receipt) IS NOT DISTINCT FROM (NEW.code, NEW.receipt)) THEN
        RAISE EXCEPTION 'evidence % is no decision of two people', NEW.id
            USING ERRCODE = 'BZ032', CONSTRAINT = 'evidence_of_people';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER evidence_of_people AFTER INSERT ON evidence DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.source = 'person' OR NEW.proposal_id IS NOT NULL)
    EXECUTE FUNCTION evidence_of_people();

-- As before, and: people may move what is frozen, and some moves only they may make.
CREATE OR REPLACE FUNCTION payout_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    by_class text;
    by_source text;
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
        IF OLD.frozen AND NOT NEW.frozen
           AND NOT EXISTS (SELECT FROM evidence WHERE payout_id = NEW.id AND class = 'upheld'
                                                  AND source = 'person' AND folded_at IS NULL) THEN
            RAISE EXCEPTION 'payout % is frozen by a contradiction; a person decides', OLD.reference
                USING ERRCODE = 'BZ003', CONSTRAINT = 'payout_frozen';
        END IF;
        NEW.version := OLD.version;
        RETURN NEW;
    END IF;
    IF NEW.evidence_id IS NOT NULL THEN
        SELECT class, source INTO by_class, by_source FROM evidence WHERE id = NEW.evidence_id AND payout_id = NEW.id;
    END IF;
    IF OLD.frozen AND by_source IS DISTINCT FROM 'person' THEN
        RAISE EXCEPTION 'payout % is frozen by a contradiction; a person decides', OLD.reference
            USING ERRCODE = 'BZ003', CONSTRAINT = 'payout_frozen';
    END IF;
    SELECT EXISTS (SELECT FROM attempt WHERE payout_id = NEW.id) INTO call_made;
    IF NOT EXISTS (
        SELECT FROM payout_move m
        WHERE m.from_state = OLD.state AND m.to_state = NEW.state
          AND CASE m.needs
                WHEN 'nothing' THEN true
                WHEN 'success' THEN by_class = 'success'
                WHEN 'refusal' THEN by_class = 'definite_no'
                WHEN 'never_sent' THEN NOT call_made
                ELSE by_class = m.needs AND by_source = 'person'
              END) THEN
        RAISE EXCEPTION 'payout % may not go from % to % on evidence %',
            OLD.reference, OLD.state, NEW.state, coalesce(by_class, 'none')
            USING ERRCODE = 'BZ004', CONSTRAINT = 'payout_move_allowed';
    END IF;
    NEW.version := OLD.version + 1;
    NEW.state_since := now();
    RETURN NEW;
END $$;

CREATE INDEX payout_frozen ON payout (id) WHERE frozen;
CREATE INDEX payout_recovery ON payout (id) WHERE state = 'recovery';
CREATE INDEX evidence_taken_back ON evidence (payout_id) WHERE class = 'taken_back';

-- What needs a person, as it follows from everything else: it opens and closes by itself. `opens_at` may be to come:
-- a doubt is left to status queries for a day.
CREATE VIEW payout_case AS
    SELECT id AS payout_id, 'contradiction' AS kind, state_since AS since, state_since AS opens_at,
           coalesce(failure, 'M-PESA contradicts itself') AS why
      FROM payout WHERE frozen
    UNION ALL
    SELECT id, 'doubt', first_call_at, first_call_at + interval '24 hours', 'nobody could say whether M-PESA paid it'
      FROM payout WHERE NOT frozen AND state IN ('submitting', 'submitted', 'in_doubt') AND first_call_at IS NOT NULL
    UNION ALL
    SELECT id, 'recovery', state_since, state_since, 'M-PESA paid it after its total had gone back to savings'
      FROM payout WHERE NOT frozen AND state = 'recovery'
    UNION ALL
    SELECT p.id, 'taken_back', e.at, e.at, 'M-PESA took it back after paying it'
      FROM evidence e JOIN payout p ON p.id = e.payout_id
     WHERE e.class = 'taken_back' AND e.source <> 'person' AND NOT p.frozen AND p.state = 'paid'
       AND NOT EXISTS (SELECT FROM evidence u WHERE u.payout_id = p.id AND u.class = 'upheld' AND u.id > e.id)
    UNION ALL
    SELECT p.id, 'dead_letter', d.first_seen, d.first_seen, d.step || ' failed every time: ' || d.reason
      FROM dead_letter d JOIN payout p ON p.id = d.payout_id WHERE d.closed_at IS NULL;

GRANT SELECT ON payout_case TO baraza_app;
GRANT SELECT, INSERT, UPDATE (outcome, checker_id, decided_at, decided_why) ON case_proposal TO baraza_app;
