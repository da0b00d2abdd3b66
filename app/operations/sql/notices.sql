-- Who was told about an alert. A row is the intent and is there before anything is sent; no phone number is stored:
-- a channel is `webhook`, or `phone 1`, `escalation 2`: a place in the settings.
ALTER TABLE alert ADD COLUMN escalated_at timestamptz;   -- a page that nobody acknowledged in time
CREATE INDEX alert_again ON alert (rule, subject, cleared_at DESC);

CREATE TABLE alert_notice (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id  bigint NOT NULL REFERENCES alert,
    channel   text NOT NULL CHECK (channel ~ '^(webhook|phone [0-9]+|escalation [0-9]+)$'),
    kind      text NOT NULL CHECK (kind IN ('opened', 'escalated', 'cleared')),
    made_at   timestamptz NOT NULL DEFAULT now(),
    due_at    timestamptz DEFAULT now(),           -- NULL: nothing more to do; while it is being sent, its lease
    attempts  smallint NOT NULL DEFAULT 0,         -- counted before each call
    sent_at   timestamptz,                         -- one text may tell of many alerts: all then have its time
    failure   text,
    UNIQUE (alert_id, channel, kind),
    CHECK (sent_at IS NULL OR due_at IS NULL)
);
CREATE INDEX alert_notice_due ON alert_notice (channel, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX alert_notice_sent ON alert_notice (channel, sent_at) WHERE sent_at IS NOT NULL;
CREATE TRIGGER alert_notice_kept BEFORE DELETE ON alert_notice FOR EACH ROW EXECUTE FUNCTION refuse_change();

GRANT UPDATE (escalated_at) ON alert TO baraza_app;
GRANT SELECT, INSERT ON alert_notice TO baraza_app;
GRANT UPDATE (due_at, attempts, sent_at, failure) ON alert_notice TO baraza_app;
