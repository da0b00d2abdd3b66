-- Who is at it: a payout that needs a person is somebody's, or is put off for a few hours, for a reason.
CREATE TABLE payout_owner (
    payout_id      uuid PRIMARY KEY REFERENCES payout,
    owner_id       bigint NOT NULL REFERENCES staff,
    since          timestamptz NOT NULL DEFAULT now(),
    put_off_until  timestamptz,
    put_off_why    text,
    CHECK ((put_off_until IS NULL) = (put_off_why IS NULL))
);
GRANT SELECT, INSERT, UPDATE ON payout_owner TO baraza_app;
