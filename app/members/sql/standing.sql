-- What a member may do by phone, and how she comes to her first PIN.

ALTER TABLE member
    ADD COLUMN mandate            text NOT NULL DEFAULT 'sole' CHECK (mandate IN ('sole', 'joint')),
    -- Keyed digest of the last digits of the ID on file: a start PIN opens nothing without them,
    -- because phone numbers are given to new people. NULL: no ID on file.
    ADD COLUMN id_check           bytea,
    ADD COLUMN receipt_balance    boolean NOT NULL DEFAULT true,   -- whether receipts name the balance
    -- A start PIN is derived from this and the pepper, so it is stored nowhere. NULL: none is out.
    ADD COLUMN start_pin_nonce    bytea,
    ADD COLUMN start_pin_until    timestamptz,
    ADD COLUMN pin_counted_from   timestamptz NOT NULL DEFAULT now(), -- wrong PINs before it are forgotten
    ADD COLUMN pin_reset_at       timestamptz,   -- the last time somebody but her set a new start PIN
    ADD COLUMN number_changed_at  timestamptz,
    ADD COLUMN phone_locked_at    timestamptz,   -- the phone service, by staff or by too many locks
    ADD COLUMN phone_lock_reason  text,
    ADD CHECK ((start_pin_nonce IS NULL) = (start_pin_until IS NULL)),
    ADD CHECK ((phone_locked_at IS NULL) = (phone_lock_reason IS NULL));

-- The hashes of a member's earlier PINs: none of the last three may come back.
CREATE TABLE pin_history (
    member_id  bigint NOT NULL REFERENCES member,
    pin_hash   text NOT NULL,
    until      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (member_id, until)
);

-- How many wrong PINs there were of late, over all members.
CREATE INDEX pin_attempt_wrong ON pin_attempt (at) WHERE outcome = 'wrong';

-- The name of an account on screens, where a member has several.
ALTER TABLE member_account ADD COLUMN name text NOT NULL DEFAULT 'Savings' CHECK (name <> '');

-- What was done to one member's file, for whoever looks her up.
CREATE INDEX staff_action_member ON staff_action ((detail->>'member_no'), id DESC)
    WHERE detail ? 'member_no';

GRANT SELECT, INSERT, DELETE ON pin_history TO baraza_app;
GRANT UPDATE (msisdn, pin_counted_from, mandate, id_check, receipt_balance, start_pin_nonce, start_pin_until, pin_reset_at,
              number_changed_at, phone_locked_at, phone_lock_reason)
    ON member TO baraza_app;
