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
