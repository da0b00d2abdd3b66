-- How somebody comes to an account without anybody else knowing the password: with a code from whoever agreed to it
-- and a link from whoever asked for it. Neither of the two can take the account alone.
CREATE TABLE staff_invitation (
    staff_id     bigint PRIMARY KEY REFERENCES staff,
    code_sha256  bytea NOT NULL,
    link_sha256  bytea UNIQUE,                     -- NULL: no link was made yet
    tries        smallint NOT NULL DEFAULT 0,
    made_at      timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL
);
GRANT SELECT, INSERT, DELETE, UPDATE (code_sha256, link_sha256, tries, made_at, expires_at) ON staff_invitation TO baraza_app;
GRANT UPDATE (name, role) ON staff TO baraza_app;
