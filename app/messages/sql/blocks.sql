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

-- Sent to many at once, such as start PINs after an import: behind whatever one member waits for.
ALTER TABLE message ADD COLUMN bulk boolean NOT NULL DEFAULT false;
DROP INDEX message_due;
CREATE INDEX message_due ON message (bulk, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX message_failed ON message (finished_at) WHERE state = 'failed';

GRANT SELECT, INSERT, UPDATE, DELETE ON sms_block, sms_pause TO baraza_app;
