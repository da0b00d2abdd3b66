-- The guards back on.
DO $$ DECLARE t record; BEGIN
    FOR t IN SELECT g.tgrelid::regclass AS name, g.tgname FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
              WHERE c.relnamespace = 'ledger'::regnamespace AND NOT g.tgisinternal LOOP
        EXECUTE format('ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER %I', t.name, t.tgname);
    END LOOP;
END $$;
DROP FUNCTION bench_made_id;
