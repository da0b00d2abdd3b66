-- What one person may not do alone, besides ending a payout: one asks for it, another one agrees.

CREATE TABLE approval (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('resume_withdrawals', 'unlock_member', 'reset_pin', 'change_number')),
    subject     text NOT NULL,                 -- a member number, or 'withdrawals'
    detail      jsonb NOT NULL,                -- what else the act needs
    seen        jsonb NOT NULL,                -- how things stood; if they stand otherwise, it is void
    reason      text NOT NULL CHECK (reason <> ''),
    maker_id    bigint NOT NULL REFERENCES staff,
    made_at     timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    outcome     text CHECK (outcome IN ('executed', 'rejected', 'void')),
    checker_id  bigint REFERENCES staff,       -- NULL with an outcome: nobody, it was void
    decided_at  timestamptz,
    decided_why text,
    CONSTRAINT approval_decided CHECK ((outcome IS NULL) = (decided_at IS NULL)),
    CONSTRAINT approval_two_people CHECK (outcome IS DISTINCT FROM 'executed' OR coalesce(checker_id <> maker_id, false))
);
CREATE UNIQUE INDEX approval_one_open ON approval (kind, subject) WHERE outcome IS NULL;

CREATE FUNCTION approval_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.outcome IS NOT NULL
       OR to_jsonb(NEW) - '{outcome,checker_id,decided_at,decided_why}'::text[]
          <> to_jsonb(OLD) - '{outcome,checker_id,decided_at,decided_why}'::text[] THEN
        RAISE EXCEPTION 'request % stays as it was made, and is decided once', OLD.id
            USING ERRCODE = 'BZ033', CONSTRAINT = 'approval_decided_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approval_guard BEFORE UPDATE ON approval FOR EACH ROW EXECUTE FUNCTION approval_guard();
CREATE TRIGGER approval_kept BEFORE DELETE ON approval FOR EACH ROW EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT, UPDATE (outcome, checker_id, decided_at, decided_why) ON approval TO baraza_app;
