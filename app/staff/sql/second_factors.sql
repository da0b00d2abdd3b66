-- A second factor for staff: codes of an authenticator app, and codes on paper for when it is lost.
ALTER TABLE staff ADD COLUMN totp_secret bytea,         -- encrypted; NULL: none is set up
                  ADD COLUMN totp_last_step bigint NOT NULL DEFAULT 0; -- no code of it or before is taken again
CREATE TABLE staff_recovery_code (
    staff_id bigint NOT NULL REFERENCES staff,
    sha256   bytea NOT NULL,                            -- the codes are random and long enough for a plain hash
    used_at  timestamptz,
    PRIMARY KEY (staff_id, sha256)
);
GRANT UPDATE (totp_secret, totp_last_step) ON staff TO baraza_app;
GRANT SELECT, INSERT, DELETE, UPDATE (used_at) ON staff_recovery_code TO baraza_app;
