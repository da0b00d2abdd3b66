--: batch_waits
--: severity warn
--: do: `baraza ledger batches`; then another person runs `baraza ledger approve N` or `reject N`
SELECT format('batch %s', b.id),
       format('%s lines, proposed by %s on %s', b.line_count, s.name,
              to_char(b.proposed_at AT TIME ZONE 'Africa/Nairobi', 'DD/MM/YY HH24:MI'))
  FROM posting_batch b JOIN staff s ON s.id = b.maker_id
 WHERE b.state = 'proposed' AND b.proposed_at < now() - interval '1 day';

--: balances_differ
--: severity warn
--: do: `baraza ledger compare FILE.csv` with today's file; then find each account's missing entry
SELECT format('comparison %s', c.id),
       format('%s different, %s missing here, %s missing there, %s shillings in all', c.different,
              c.missing_here, c.missing_there, round(c.difference_cents / 100, 2))
  FROM (SELECT * FROM balance_comparison ORDER BY id DESC LIMIT 1) c
 WHERE c.different + c.missing_here + c.missing_there > 0;
