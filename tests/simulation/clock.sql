-- A clock that stands still until the simulation moves it. Everything in this database reads it,
-- because its now() is found before PostgreSQL's own.

CREATE SCHEMA simulated;
CREATE TABLE simulated.clock (at timestamptz NOT NULL);
INSERT INTO simulated.clock VALUES ('2026-11-23 06:00:00+00');
CREATE FUNCTION simulated.now() RETURNS timestamptz LANGUAGE sql STABLE
RETURN (SELECT at FROM simulated.clock);
CREATE FUNCTION simulated.clock_timestamp() RETURNS timestamptz LANGUAGE sql STABLE
RETURN (SELECT at FROM simulated.clock);
GRANT USAGE ON SCHEMA simulated TO PUBLIC;
GRANT SELECT ON simulated.clock TO PUBLIC;

-- What was bound to PostgreSQL's clock when the tables were made: defaults, and functions that
-- name their own search path.
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT d.adrelid::regclass AS home, a.attname AS name
                 FROM pg_attrdef d
                 JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
                 JOIN pg_class c ON c.oid = d.adrelid
                WHERE a.attgenerated = '' AND NOT c.relispartition
                  AND pg_get_expr(d.adbin, d.adrelid) IN ('now()', 'clock_timestamp()') LOOP
        EXECUTE format('ALTER TABLE %s ALTER %I SET DEFAULT simulated.now()', one.home, one.name);
    END LOOP;
    FOR one IN SELECT p.oid::regprocedure AS name, substr(setting, length('search_path=') + 1) AS path
                 FROM pg_proc p, unnest(p.proconfig) AS setting
                WHERE setting LIKE 'search\_path=%' AND p.pronamespace <> 'pg_catalog'::regnamespace LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = simulated, %s', one.name, one.path);
    END LOOP;
    EXECUTE format('ALTER DATABASE %I SET search_path = simulated, pg_catalog, public', current_database());
END $$;

-- What a migration wrote by PostgreSQL's clock.
UPDATE public.provider_rate SET filled_at = simulated.now();
UPDATE public.provider_breaker SET changed_at = simulated.now();
