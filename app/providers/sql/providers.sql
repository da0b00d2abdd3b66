-- One access token per provider, shared by all processes, refreshed by one of them at a time.

CREATE TABLE provider_token (
    provider         text PRIMARY KEY,
    token            bytea,                      -- encrypted with a key that is not in this database
    expires_at       timestamptz,
    generation       integer NOT NULL DEFAULT 0, -- counts refreshes, so that two workers never refresh for one loss
    refreshing_until timestamptz                 -- a lease: no lock is held across the HTTP call
);

GRANT SELECT, INSERT ON provider_token TO baraza_app;
GRANT UPDATE ON provider_token TO baraza_app;
