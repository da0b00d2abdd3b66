-- What only a process can know of the machines, written down for the rules of alerts.

CREATE TABLE redis_outage (
    only_one  boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    since     timestamptz NOT NULL DEFAULT now(),
    seen_at   timestamptz NOT NULL DEFAULT now()
);

-- What stops working on a day that is known.
CREATE TABLE expiry (
    what        text PRIMARY KEY,
    expires_on  date NOT NULL
);

-- Callbacks that were refused at the door, added up by each web process for some seconds.
CREATE TABLE callback_refusal (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reason     text NOT NULL,
    callbacks  integer NOT NULL CHECK (callbacks > 0),
    at         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX callback_refusal_at ON callback_refusal (at);

GRANT SELECT, INSERT, DELETE ON redis_outage, expiry, callback_refusal TO baraza_app;
GRANT UPDATE (seen_at) ON redis_outage TO baraza_app;
GRANT UPDATE (expires_on) ON expiry TO baraza_app;
