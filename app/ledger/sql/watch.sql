-- Whoever may disable a trigger or drop a partition can be recorded, not stopped. Only a superuser
-- can set this up; without one the hash chain still tells.
SET ROLE baraza_ledger;
CREATE TABLE ledger.structure_change (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    command  text NOT NULL,
    object   text,
    login    text NOT NULL DEFAULT session_user
);
GRANT SELECT ON ledger.structure_change TO baraza_app, baraza_reader;
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON ledger.structure_change
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
SELECT ledger.guard('ledger.structure_change');

CREATE FUNCTION ledger.record_structure_change() RETURNS event_trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
BEGIN
    IF TG_EVENT = 'sql_drop' THEN
        INSERT INTO ledger.structure_change (command, object)
        SELECT TG_TAG, object_identity FROM pg_event_trigger_dropped_objects()
         WHERE schema_name = 'ledger' AND original;
    ELSE
        INSERT INTO ledger.structure_change (command, object)
        SELECT command_tag, object_identity FROM pg_event_trigger_ddl_commands()
         WHERE schema_name = 'ledger';
    END IF;
END $$;
RESET ROLE;

DO $$
BEGIN
    IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        CREATE EVENT TRIGGER ledger_structure_change ON ddl_command_end
            EXECUTE FUNCTION ledger.record_structure_change();
        CREATE EVENT TRIGGER ledger_structure_drop ON sql_drop
            EXECUTE FUNCTION ledger.record_structure_change();
        ALTER EVENT TRIGGER ledger_structure_change ENABLE ALWAYS;
        ALTER EVENT TRIGGER ledger_structure_drop ENABLE ALWAYS;
    END IF;
END $$;
