-- Passkeys of staff: keys that answer only to the host they were made for, so that no look-alike page can use them.
CREATE TABLE staff_passkey (
    id            bytea PRIMARY KEY,                  -- as the device names it
    staff_id      bigint NOT NULL REFERENCES staff,
    host          text NOT NULL,                      -- for which it was made, and which alone may ask it
    public_key    bytea NOT NULL,
    sign_count    bigint NOT NULL,                    -- of the device's signatures; 0 for ever where it does not count
    title         text NOT NULL CHECK (title <> ''),
    made_at       timestamptz NOT NULL DEFAULT now(),
    last_used_at  timestamptz
);
CREATE INDEX staff_passkey_staff ON staff_passkey (staff_id);

-- What a passkey is asked to sign: one question a person, answered once.
ALTER TABLE staff ADD COLUMN passkey_challenge bytea,
                  ADD COLUMN passkey_asked_at timestamptz;
GRANT SELECT, INSERT, DELETE, UPDATE (sign_count, last_used_at) ON staff_passkey TO baraza_app;
GRANT UPDATE (passkey_challenge, passkey_asked_at) ON staff TO baraza_app;
