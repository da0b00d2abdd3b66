-- What keeps messages from members, remembered.

-- Numbers whose owner blocked the sender (UserInBlacklist). Cleared when a message arrives after all.
CREATE TABLE sms_block (
    msisdn      text PRIMARY KEY,
    reason      text NOT NULL,
    blocked_at  timestamptz NOT NULL DEFAULT now()
);

-- One row while the gateway takes nothing because our account there is empty.
CREATE TABLE sms_pause (
    only_one    boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    reason      text NOT NULL,
    since       timestamptz NOT NULL DEFAULT now(),
    probe_at    timestamptz NOT NULL   -- the next time that one message tries
);

GRANT SELECT, INSERT, UPDATE, DELETE ON sms_block, sms_pause TO baraza_app;
