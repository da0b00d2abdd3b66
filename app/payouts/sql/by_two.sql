-- Limits and tariffs that two people of the console agreed on. The application's login may not add to either: it may
-- only name a request, of which these functions see for themselves that it was executed, and by whom.

ALTER TABLE withdrawal_limit ADD COLUMN approval_id bigint UNIQUE REFERENCES approval;   -- NULL: set by the owner's command
ALTER TABLE tariff ADD COLUMN approval_id bigint UNIQUE REFERENCES approval;
-- Pages say who set what by a command, too.
CREATE INDEX staff_action_priced ON staff_action (at) WHERE action IN ('limits_set', 'tariff_loaded', 'excise_set');

-- A request of a kind, executed in this very transaction by somebody else than its maker, for today or later. Who asks
-- with the number of one that waits, was rejected, or was executed before, gets nothing.
CREATE FUNCTION approval_executed_now(number bigint, wanted text) RETURNS approval LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    asked approval;
BEGIN
    SELECT * INTO asked FROM approval WHERE id = number FOR UPDATE;
    IF asked.kind IS DISTINCT FROM wanted OR asked.outcome IS DISTINCT FROM 'executed'
       OR asked.decided_at IS DISTINCT FROM now() OR asked.made_at >= now()
       OR asked.checker_id IS NULL OR asked.checker_id = asked.maker_id THEN
        RAISE EXCEPTION 'request % is not one for % that two people execute now', number, wanted
            USING ERRCODE = 'BZ034', CONSTRAINT = 'set_by_two';
    END IF;
    IF asked.subject::date < (now() AT TIME ZONE 'Africa/Nairobi')::date THEN
        RAISE EXCEPTION 'request % is for a day that has passed', number
            USING ERRCODE = 'BZ034', CONSTRAINT = 'set_by_two';
    END IF;
    RETURN asked;
END $$;

CREATE FUNCTION set_limits_by_two(number bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    asked approval := approval_executed_now(number, 'set_limits');
    given withdrawal_limit := jsonb_populate_record(NULL::withdrawal_limit, asked.detail -> 'limits');
BEGIN
    INSERT INTO withdrawal_limit (effective_from, approval_id, minimum_cents, maximum_cents, daily_cents,
        sacco_hourly_cents, sacco_daily_cents, night_from, night_to, quiet_holidays, before_long_weekend_hours,
        quiet_maximum_cents, quiet_sacco_hourly_cents, after_change_wait_hours, after_change_low_hours,
        after_change_maximum_cents, after_change_daily_cents)
    VALUES (asked.subject::date, asked.id, given.minimum_cents, given.maximum_cents, given.daily_cents,
        given.sacco_hourly_cents, given.sacco_daily_cents, given.night_from, given.night_to, given.quiet_holidays,
        given.before_long_weekend_hours, given.quiet_maximum_cents, given.quiet_sacco_hourly_cents,
        given.after_change_wait_hours, given.after_change_low_hours, given.after_change_maximum_cents,
        given.after_change_daily_cents);
END $$;

-- `bands`: an array of [from, to, fee], in cents.
CREATE FUNCTION set_tariff_by_two(number bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    asked approval := approval_executed_now(number, 'set_tariff');
    made bigint;
BEGIN
    INSERT INTO tariff (effective_from, approval_id) VALUES (asked.subject::date, asked.id) RETURNING id INTO made;
    INSERT INTO tariff_band (tariff_id, from_cents, to_cents, fee_cents)
    SELECT made, (band ->> 0)::bigint, (band ->> 1)::bigint, (band ->> 2)::bigint
      FROM jsonb_array_elements(asked.detail -> 'bands') AS band;
END $$;

REVOKE ALL ON FUNCTION approval_executed_now, set_limits_by_two, set_tariff_by_two FROM PUBLIC;
GRANT EXECUTE ON FUNCTION set_limits_by_two, set_tariff_by_two TO baraza_app;
