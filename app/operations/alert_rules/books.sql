-- What is wrong with the books, or with our knowing that they are right.

--: invariant_broken
--: severity page
--: means: An audit found something in the books, payouts or SMS that cannot be. Withdrawals have been stopped by it; they stay stopped until a person resumes them.
--: do: run `baraza audit`; withdrawals are stopped: let nobody resume them before it is known why, and call the developers
SELECT f.rule, f.detail
  FROM (SELECT findings FROM audit_run ORDER BY id DESC LIMIT 1) r
  CROSS JOIN jsonb_to_recordset(r.findings) AS f (rule text, state text, detail text)
 WHERE f.state = 'broken';

-- Nothing is known to be wrong, so nothing is stopped; but nobody knows that it is right either.
--: invariant_unanswered
--: severity page
--: means: An audit could not ask this rule in time. Nothing is known to be wrong, and nothing is stopped; but nobody knows that it is right.
--: do: see whether PostgreSQL is overloaded; `baraza audit --last` shows how long audits take, `baraza audit` asks again
SELECT f.rule, format('the last audit could not ask it: %s', f.detail)
  FROM (SELECT findings FROM audit_run ORDER BY id DESC LIMIT 1) r
  CROSS JOIN jsonb_to_recordset(r.findings) AS f (rule text, state text, detail text)
 WHERE f.state = 'unanswered';

-- An audit is made every minute. A full one, once a night, may take a few minutes by itself.
--: audit_missing
--: severity page
--: means: No audit has ended for five minutes, so a fault would go unseen.
--: do: see that `baraza clock` runs and what its log says about "audit"; run `baraza audit`
SELECT 'audit', format('the last audit ended %s',
              coalesce('at ' || to_char(max(finished_at) AT TIME ZONE 'Africa/Nairobi', 'DD/MM HH24:MI'), 'never'))
  FROM audit_run
HAVING coalesce(max(finished_at) < now() - interval '5 minutes', true)
   -- Where everything has only just been started, the first is still to come.
   AND EXISTS (SELECT FROM worker_heartbeat WHERE queues = 'clock' AND started_at < now() - interval '5 minutes'
                  AND beat_at > now() - interval '10 seconds');

--: batch_waits
--: severity warn
--: means: A batch from the SACCO's own books has waited for its second person for more than a day. Its money is not in the books.
--: do: `baraza ledger batches`; then another person runs `baraza ledger approve N` or `reject N`
SELECT format('batch %s', b.id),
       format('%s lines, proposed by %s on %s', b.line_count, s.name,
              to_char(b.proposed_at AT TIME ZONE 'Africa/Nairobi', 'DD/MM/YY HH24:MI'))
  FROM posting_batch b JOIN staff s ON s.id = b.maker_id
 WHERE b.state = 'proposed' AND b.proposed_at < now() - interval '1 day';

--: balances_differ
--: severity warn
--: means: The last comparison with the core banking system found accounts that differ. One of the two is wrong.
--: do: `baraza ledger compare FILE.csv` with today's file; then find each account's missing entry
SELECT format('comparison %s', c.id),
       format('%s different, %s missing here, %s missing there, %s shillings in all', c.different,
              c.missing_here, c.missing_there, round(c.difference_cents / 100, 2))
  FROM (SELECT * FROM balance_comparison ORDER BY id DESC LIMIT 1) c
 WHERE c.different + c.missing_here + c.missing_there > 0;
