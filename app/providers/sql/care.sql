-- Care for the providers that we call: when nothing may go out, how fast it may, and what money is there.

-- One row per provider. While it is open, nothing new is sent; only evidence or a person closes it.
CREATE TABLE provider_breaker (
    provider     text PRIMARY KEY,
    opened_at    timestamptz,              -- NULL: closed
    cause        text CHECK (cause IN ('outage', 'setup', 'float', 'login')),
    code         text,                     -- the result code that opened it, if one did
    changed_at   timestamptz NOT NULL DEFAULT clock_timestamp(), -- opened or closed; what was sent before does not open it
    probe_about  uuid,                     -- the earlier payout that is asked about, to see whether anything works
    probe_at     timestamptz,              -- when it is asked about next
    probes       smallint NOT NULL DEFAULT 0,
    CHECK ((opened_at IS NULL) = (cause IS NULL)),
    CHECK (opened_at IS NOT NULL OR probe_at IS NULL)
);
INSERT INTO provider_breaker (provider) VALUES ('daraja');

GRANT SELECT ON provider_breaker TO baraza_app;
GRANT UPDATE (opened_at, cause, code, changed_at, probe_about, probe_at, probes) ON provider_breaker TO baraza_app;

-- A person's hold on one kind of call. At most one row per step is in force.
CREATE TABLE provider_pause (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    step           text NOT NULL CHECK (step IN ('pay', 'ask', 'sms')),
    reason         text NOT NULL CHECK (btrim(reason) <> ''),
    paused_by      text NOT NULL,
    paused_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    until          timestamptz NOT NULL,       -- a hold that is forgotten ends by itself
    ended_at       timestamptz,
    ended_by       text,
    CHECK (until > paused_at),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX provider_pause_one ON provider_pause (step) WHERE ended_at IS NULL;

-- How many calls per second a provider is sent, from all processes together.
CREATE TABLE provider_rate (
    provider     text PRIMARY KEY,
    tokens       double precision NOT NULL DEFAULT 1,   -- calls that may be made at once, at filled_at
    filled_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    calls_per_s  double precision NOT NULL DEFAULT 1 CHECK (calls_per_s > 0),
    slowed_at    timestamptz                            -- when the provider last said that we call too often
);
INSERT INTO provider_rate (provider, tokens, calls_per_s) VALUES ('daraja', 20, 20);

GRANT SELECT, INSERT, UPDATE (ended_at, ended_by) ON provider_pause TO baraza_app;
GRANT SELECT, UPDATE (tokens, filled_at, calls_per_s, slowed_at) ON provider_rate TO baraza_app;

-- A payout that nothing was sent for goes back into the member's savings at this time. It moves only what never left.
ALTER TABLE payout ADD COLUMN unsent_expires_at timestamptz;
CREATE INDEX payout_unsent_expires ON payout (unsent_expires_at) WHERE state IN ('requested', 'reserved');
GRANT UPDATE (unsent_expires_at) ON payout TO baraza_app;

-- What M-PESA says is on our utility account, the float that payouts are paid from.
CREATE TABLE float_reading (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cents       bigint NOT NULL,
    said_at     timestamptz NOT NULL,      -- by M-PESA's clock, never later than ours
    reference   text,                      -- the payout whose result told it
    read_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX float_reading_newest ON float_reading (said_at DESC, id DESC);
CREATE TRIGGER float_reading_kept BEFORE UPDATE OR DELETE ON float_reading
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON float_reading TO baraza_app;
