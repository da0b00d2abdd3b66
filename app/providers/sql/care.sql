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
