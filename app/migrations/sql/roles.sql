-- Roles belong to the whole server, so they may be there already.
-- baraza_ledger owns the ledger and can never log in; baraza_app is what web and workers are.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'baraza_ledger') THEN
        CREATE ROLE baraza_ledger NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'baraza_app') THEN
        CREATE ROLE baraza_app NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'baraza_reader') THEN
        CREATE ROLE baraza_reader NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- another migration on this server made them a moment ago
END $$;
GRANT baraza_ledger, baraza_app TO CURRENT_USER;
GRANT USAGE ON SCHEMA public TO baraza_app, baraza_reader;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT SELECT ON alembic_version TO baraza_app;  -- readiness compares it with the code's revision
