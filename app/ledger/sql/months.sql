-- One partition a month of the id's UTC date, for headers and for lines, each with all its guards.
SET ROLE baraza_ledger;

-- PostgreSQL copies row triggers to partitions, but neither statement triggers nor ENABLE ALWAYS.
-- Without this an INSERT or TRUNCATE that names a partition would pass by the guards.
CREATE FUNCTION ledger.guard(target regclass) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, ledger, pg_temp AS $$
DECLARE
    name text;
BEGIN
    EXECUTE format('CREATE TRIGGER kept_whole BEFORE TRUNCATE ON %s '
                   'FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()', target);
    FOR name IN SELECT tgname FROM pg_trigger
                 WHERE tgrelid = target AND NOT tgisinternal AND tgenabled <> 'A' LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', target, name);
    END LOOP;
END $$;

CREATE FUNCTION ledger.guard_postings(target regclass) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, ledger, pg_temp AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER whole_entries AFTER INSERT ON %s '
                   'REFERENCING NEW TABLE AS new_lines '
                   'FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_entries()', target);
    PERFORM ledger.guard(target);
END $$;

-- Reads the catalogue itself: to_regclass remembers that there was nothing, and an advisory lock
-- does not make it look again.
CREATE FUNCTION ledger.has_month(suffix text) RETURNS boolean LANGUAGE sql VOLATILE
RETURN EXISTS (SELECT FROM pg_class WHERE relnamespace = 'ledger'::regnamespace
                                      AND relname = 'posting_' || suffix);

-- ATTACH lets postings go on meanwhile; CREATE TABLE ... PARTITION OF would stop them.
CREATE FUNCTION ledger.ensure_month(month date) RETURNS boolean LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    first date := date_trunc('month', month::timestamp)::date;
    past date := (date_trunc('month', month::timestamp) + interval '1 month')::date;
    suffix text := to_char(first, 'YYYYMM');
    parent text;
    part text;
BEGIN
    IF ledger.has_month(suffix) THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('ledger.ensure_month'));
    IF ledger.has_month(suffix) THEN
        RETURN false;  -- another timekeeper made it while we waited
    END IF;
    FOREACH parent IN ARRAY ARRAY['ledger.journal_entry', 'ledger.posting'] LOOP
        part := parent || '_' || suffix;
        EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING CONSTRAINTS)', part, parent);
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
                       parent, part, first, past);
    END LOOP;
    -- The index of statements and the proof of order in one.
    EXECUTE format('CREATE UNIQUE INDEX posting_%s_account ON ledger.posting_%s '
                   '(account_id, account_version DESC) WHERE account_version IS NOT NULL',
                   suffix, suffix);
    PERFORM ledger.guard(('ledger.journal_entry_' || suffix)::regclass);
    PERFORM ledger.guard_postings(('ledger.posting_' || suffix)::regclass);
    RETURN true;
END $$;

-- The month before this one, this one and three ahead. Returns how many had to be made.
CREATE FUNCTION ledger.ensure_months() RETURNS integer LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
    SELECT count(*) FILTER (WHERE ledger.ensure_month(month::date))::integer
      FROM generate_series(date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 month',
                           date_trunc('month', now() AT TIME ZONE 'UTC') + interval '3 months',
                           interval '1 month') AS month;
$$;

SELECT ledger.guard('ledger.journal_entry'), ledger.guard_postings('ledger.posting'),
       ledger.guard('ledger.gl_account'), ledger.guard('ledger.account'),
       ledger.guard('ledger.account_balance'), ledger.guard('ledger.lien'),
       ledger.guard('ledger.accounting_period'), ledger.guard('ledger.epoch');
SELECT ledger.ensure_months();

RESET ROLE;
