-- What the USSD channel must remember: a session's first facts, and hops that showed a quote or had an effect.

CREATE TABLE ussd_session (
    session_id    text PRIMARY KEY,
    msisdn        text NOT NULL,
    service_code  text NOT NULL,
    member_id     bigint REFERENCES member,
    menu_version  text NOT NULL,
    language      text NOT NULL,
    facts         jsonb NOT NULL DEFAULT '{}',   -- whatever a screen branched on at the first hop
    started_at    timestamptz NOT NULL DEFAULT now()
);

-- A keyed digest of the transcript: a plain hash of one that ends in a PIN is guessed in milliseconds.
CREATE TABLE ussd_hop (
    session_id      text NOT NULL REFERENCES ussd_session,
    transcript_mac  bytea NOT NULL,
    position        smallint NOT NULL,
    screen          text NOT NULL,
    outcome         text,                        -- of the effect that ran at this position, if one did
    facts           jsonb NOT NULL DEFAULT '{}', -- what the screen showed
    body            text NOT NULL,
    at              timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (session_id, transcript_mac)
);

GRANT SELECT, INSERT ON ussd_session, ussd_hop TO baraza_app;
GRANT UPDATE (language) ON ussd_session TO baraza_app;
