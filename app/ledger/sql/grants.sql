-- The application reads the parents and calls these functions. It has no INSERT, UPDATE or DELETE
-- on any table of the books, and nothing at all on a partition.
SET ROLE baraza_ledger;

GRANT USAGE ON SCHEMA ledger TO baraza_app, baraza_reader;
GRANT SELECT ON ledger.gl_account, ledger.account, ledger.account_balance, ledger.journal_entry,
    ledger.posting, ledger.lien, ledger.accounting_period, ledger.epoch, ledger.journal_block,
    ledger.gl_daily, ledger.system_balance, ledger.unsealed, ledger.system_account,
    ledger.trial_balance, ledger.missing_guard
    TO baraza_app, baraza_reader;
GRANT EXECUTE ON FUNCTION ledger.id_milliseconds, ledger.id_date, ledger.fingerprint,
    ledger.sealed_to, ledger.horizon, ledger.block_contents, ledger.faults
    TO baraza_app, baraza_reader;
GRANT EXECUTE ON FUNCTION ledger.post_entry, ledger.post_entries, ledger.lock_available,
    ledger.open_account, ledger.place_lien, ledger.release_lien, ledger.ensure_months, ledger.seal,
    ledger.begin_epoch
    TO baraza_app;

RESET ROLE;

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
