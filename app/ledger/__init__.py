"""The double-entry ledger: chart, entries, posting, statements, sealing."""
