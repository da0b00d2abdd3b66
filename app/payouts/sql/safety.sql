-- What may hold a payout back before anything is sent.

-- At most one row is open: withdrawals are stopped while it is.
CREATE TABLE withdrawal_stop (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stopped_at     timestamptz NOT NULL DEFAULT now(),
    stopped_by     text NOT NULL,
    reason         text NOT NULL,
    resumed_at     timestamptz,
    resumed_by     text,
    resume_reason  text
);
CREATE UNIQUE INDEX withdrawal_stop_one ON withdrawal_stop ((true)) WHERE resumed_at IS NULL;

-- A payout is what its member was shown, to the number that she has: not even whoever holds the application's
-- login can send another amount, or send it elsewhere.
CREATE FUNCTION payout_fits_quote() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM quote q JOIN member m ON m.id = q.member_id
         WHERE q.id = NEW.quote_id AND m.msisdn = NEW.msisdn
           AND (q.member_id, q.account_id, q.amount_cents, q.fee_cents, q.duty_cents)
             = (NEW.member_id, NEW.account_id, NEW.amount_cents, NEW.fee_cents, NEW.duty_cents)) THEN
        RAISE EXCEPTION 'payout % does not fit its quote or its member', NEW.reference
            USING ERRCODE = 'BZ006', CONSTRAINT = 'payout_fits_quote';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payout_fits_quote BEFORE INSERT ON payout FOR EACH ROW EXECUTE FUNCTION payout_fits_quote();

-- A SIM check asks whether the member's SIM card was replaced lately. It runs between the debit and the call.
ALTER TABLE payout
    ADD COLUMN sim_check        text CHECK (sim_check IN ('wanted', 'asked', 'clear')),   -- NULL: none is needed
    ADD COLUMN sim_check_due_at timestamptz;
CREATE INDEX payout_sim_check ON payout (sim_check_due_at) WHERE sim_check_due_at IS NOT NULL;

-- One row per question. Answers carry only the provider's request id, which the question keeps.
CREATE TABLE sim_check (
    id          uuid PRIMARY KEY,
    payout_id   uuid NOT NULL REFERENCES payout,
    member_id   bigint NOT NULL REFERENCES member,
    msisdn      text NOT NULL,
    asked_at    timestamptz NOT NULL DEFAULT now(),
    request_id  text UNIQUE                -- NULL: not taken, or its answer is not known yet
);
CREATE INDEX sim_check_payout ON sim_check (payout_id);
CREATE INDEX sim_check_number ON sim_check (msisdn, asked_at DESC);

-- An answer can be here before the request id of its question is.
CREATE TABLE sim_answer (
    request_id   text PRIMARY KEY,
    outcome      text NOT NULL CHECK (outcome IN ('swapped', 'not_swapped', 'unknown')),
    swapped_on   date,
    received_at  timestamptz NOT NULL DEFAULT now()
);

GRANT SELECT, INSERT, UPDATE (resumed_at, resumed_by, resume_reason) ON withdrawal_stop TO baraza_app;
GRANT SELECT, INSERT ON sim_check, sim_answer TO baraza_app;
GRANT UPDATE (request_id) ON sim_check TO baraza_app;
GRANT UPDATE (sim_check, sim_check_due_at) ON payout TO baraza_app;
