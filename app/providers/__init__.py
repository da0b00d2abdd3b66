"""Outside systems, one narrow module each. Nothing here knows payouts or the ledger."""
