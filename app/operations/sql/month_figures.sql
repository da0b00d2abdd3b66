-- What became of the withdrawals of each month that is over, counted every few hours: a year of them is too many to
-- count while somebody waits for a page.
CREATE TABLE payout_month (
    begins          date PRIMARY KEY,
    asked           bigint NOT NULL,
    paid            bigint NOT NULL,
    given_back      bigint NOT NULL,
    declined        bigint NOT NULL,
    paid_after_all  bigint NOT NULL,
    in_doubt        bigint NOT NULL,
    on_the_way      bigint NOT NULL,
    paid_cents      bigint NOT NULL,
    fee_cents       bigint NOT NULL,
    duty_cents      bigint NOT NULL,
    counted_at      timestamptz NOT NULL DEFAULT now(),
    CHECK (asked = paid + given_back + declined + paid_after_all + in_doubt + on_the_way)
);
GRANT SELECT, INSERT, DELETE ON payout_month TO baraza_app;
