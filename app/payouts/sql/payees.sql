-- Whom M-PESA says it paid. It paid the number that was asked for; another name is a sign that the number has a new
-- owner, or stood wrong in the member's file from the beginning.

-- Not the name itself: it is in the filed message, and a stranger's name has no business in a second place.
ALTER TABLE evidence ADD COLUMN payee text CHECK (payee IN ('same', 'other')); -- NULL: it named nobody
CREATE INDEX evidence_other_payee ON evidence (payout_id) WHERE payee = 'other';

-- Somebody looked: this number is this member's, whatever name M-PESA has for it.
CREATE TABLE payee_check (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    member_id   bigint NOT NULL REFERENCES member,
    msisdn      text NOT NULL,
    reference   text NOT NULL REFERENCES payout (reference), -- the payout that was looked at
    reason      text NOT NULL CHECK (btrim(reason) <> ''),
    checked_by  text NOT NULL,
    checked_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Numbers get new owners: a look does not hold for ever.
    good_until  timestamptz NOT NULL DEFAULT clock_timestamp() + interval '180 days'
);
CREATE INDEX payee_check_member ON payee_check (member_id, msisdn);
CREATE TRIGGER payee_check_kept BEFORE UPDATE OR DELETE ON payee_check FOR EACH ROW EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON payee_check TO baraza_app;
