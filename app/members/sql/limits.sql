-- Dated configuration. Nothing here is ever changed: what is in force today is the newest row among
-- those with the latest effective_from that is not after today, so a correction is one more row.

CREATE TABLE tariff (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    effective_from  date NOT NULL,
    made_at         timestamptz NOT NULL DEFAULT now()
);
INSERT INTO tariff (effective_from) SELECT DISTINCT effective_from FROM tariff_band ORDER BY 1;
ALTER TABLE tariff_band ADD COLUMN tariff_id bigint REFERENCES tariff;
UPDATE tariff_band b SET tariff_id = t.id FROM tariff t WHERE t.effective_from = b.effective_from;
ALTER TABLE tariff_band
    DROP CONSTRAINT tariff_band_pkey,
    DROP COLUMN effective_from,
    ALTER COLUMN tariff_id SET NOT NULL,
    ADD PRIMARY KEY (tariff_id, from_cents);

-- Two bands that cover one amount would make a fee a matter of chance.
CREATE FUNCTION tariff_band_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM FROM tariff WHERE id = NEW.tariff_id FOR UPDATE;
    IF EXISTS (SELECT FROM tariff_band b WHERE b.tariff_id = NEW.tariff_id
                  AND b.from_cents <= NEW.to_cents AND b.to_cents >= NEW.from_cents) THEN
        RAISE EXCEPTION 'tariff bands overlap' USING ERRCODE = '23P01', CONSTRAINT = 'tariff_band_apart';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER tariff_band_guard BEFORE INSERT ON tariff_band FOR EACH ROW EXECUTE FUNCTION tariff_band_guard();

ALTER TABLE excise_rate
    DROP CONSTRAINT excise_rate_pkey,
    ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ADD COLUMN made_at timestamptz NOT NULL DEFAULT now();

ALTER TABLE withdrawal_limit
    DROP CONSTRAINT withdrawal_limit_pkey,
    ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ADD COLUMN made_at timestamptz NOT NULL DEFAULT now(),
    -- What all members together may draw. NULL: no ceiling.
    ADD COLUMN sacco_hourly_cents bigint CHECK (sacco_hourly_cents > 0),
    ADD COLUMN sacco_daily_cents  bigint CHECK (sacco_daily_cents > 0),
    -- Quiet hours: nights, public holidays, and the hours before a long weekend. Thieves like them.
    ADD COLUMN night_from                time,      -- Nairobi; NULL: nights are like days
    ADD COLUMN night_to                  time,
    ADD COLUMN quiet_holidays            boolean NOT NULL DEFAULT false,
    ADD COLUMN before_long_weekend_hours smallint NOT NULL DEFAULT 0
                                         CHECK (before_long_weekend_hours BETWEEN 0 AND 72),
    ADD COLUMN quiet_maximum_cents       bigint CHECK (quiet_maximum_cents > 0),   -- NULL: as by day
    ADD COLUMN quiet_sacco_hourly_cents  bigint CHECK (quiet_sacco_hourly_cents > 0),
    -- After a PIN reset or a change of number: first nothing, then little.
    ADD COLUMN after_change_wait_hours     smallint NOT NULL DEFAULT 0 CHECK (after_change_wait_hours >= 0),
    ADD COLUMN after_change_low_hours      smallint NOT NULL DEFAULT 0 CHECK (after_change_low_hours >= 0),
    ADD COLUMN after_change_maximum_cents  bigint CHECK (after_change_maximum_cents > 0),
    ADD COLUMN after_change_daily_cents    bigint CHECK (after_change_daily_cents > 0),
    ADD CHECK ((night_from IS NULL) = (night_to IS NULL));

CREATE TABLE public_holiday (
    day     date PRIMARY KEY,
    name    text NOT NULL,
    source  text NOT NULL CHECK (source IN ('calendar', 'added'))   -- governments declare some at short notice
);

CREATE TRIGGER tariff_kept BEFORE UPDATE OR DELETE ON tariff FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER tariff_band_kept BEFORE UPDATE OR DELETE ON tariff_band FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER excise_rate_kept BEFORE UPDATE OR DELETE ON excise_rate FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER withdrawal_limit_kept BEFORE UPDATE OR DELETE ON withdrawal_limit FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Whoever holds the application's login must not set prices or lift limits: only the owner adds to these.
REVOKE INSERT ON tariff_band, excise_rate, withdrawal_limit FROM baraza_app;
GRANT SELECT ON tariff TO baraza_app;
GRANT SELECT, INSERT, DELETE ON public_holiday TO baraza_app;
