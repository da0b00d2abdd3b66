-- The outbox of SMS. A row is written in the transaction of the change that it tells about.

CREATE TABLE message (
    id                   uuid PRIMARY KEY,
    kind                 text NOT NULL,
    payout_id            uuid REFERENCES payout,
    member_id            bigint NOT NULL REFERENCES member,
    msisdn               text NOT NULL,
    language             text NOT NULL CHECK (language IN ('en', 'sw')),
    body                 text NOT NULL,
    state                text NOT NULL DEFAULT 'queued'
                         CHECK (state IN ('queued', 'accepted', 'delivered', 'failed')),
    queued_at            timestamptz NOT NULL DEFAULT now(),
    due_at               timestamptz DEFAULT now(),   -- NULL: nothing more to do
    attempts             smallint NOT NULL DEFAULT 0, -- counted before each call
    claimed_by           text,
    lease_until          timestamptz,
    provider_message_id  text,
    failure              text,
    accepted_at          timestamptz,
    finished_at          timestamptz
);
CREATE UNIQUE INDEX message_once ON message (payout_id, kind) WHERE payout_id IS NOT NULL;
CREATE INDEX message_due ON message (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX message_provider ON message (provider_message_id) WHERE provider_message_id IS NOT NULL;
CREATE INDEX message_member ON message (member_id, queued_at DESC);

-- Delivery reports come in any order, twice, or before our own commit: kept, matched by id.
CREATE TABLE delivery_report (
    id                   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider_message_id  text NOT NULL,
    status               text NOT NULL,
    failure_reason       text NOT NULL DEFAULT '',
    copies               integer NOT NULL DEFAULT 1,
    received_at          timestamptz NOT NULL DEFAULT now(),
    UNIQUE (provider_message_id, status, failure_reason)
);

GRANT SELECT, INSERT ON message, delivery_report TO baraza_app;
GRANT UPDATE (state, due_at, attempts, claimed_by, lease_until, provider_message_id, failure, accepted_at, finished_at)
    ON message TO baraza_app;
GRANT UPDATE (copies) ON delivery_report TO baraza_app;
