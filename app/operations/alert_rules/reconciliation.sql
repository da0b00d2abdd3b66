-- What does not agree with M-PESA's own account, and what nobody compared with it.

--: statement_missing
--: severity warn
--: means: Nobody has compared yesterday's payouts with M-PESA's own statement.
--: do: export that day's statement from M-PESA's portal and run `baraza reconcile`
SELECT to_char(yesterday.begins AT TIME ZONE 'Africa/Nairobi', 'YYYY-MM-DD'), 'paid withdrawals, and no statement'
  -- At ten in the morning it becomes yesterday's; until then it is the day before's.
  FROM (SELECT (date_trunc('day', now() AT TIME ZONE 'Africa/Nairobi' - interval '10 hours') - interval '1 day')
               AT TIME ZONE 'Africa/Nairobi' AS begins) yesterday
 WHERE EXISTS (SELECT FROM payout WHERE state = 'paid' AND requested_at >= yesterday.begins
                                    AND requested_at < yesterday.begins + interval '1 day')
   AND NOT EXISTS (SELECT FROM statement_import WHERE covers_to >= yesterday.begins + interval '1 day');

--: unknown_payment
--: severity page
--: means: M-PESA's statement has a payment that no payout of ours knows of, or one paid twice. Somebody may pay out with our credentials.
--: do: `baraza withdrawals stop`, change the initiator's password in M-PESA's portal, call Safaricom
SELECT subject, format('M-PESA paid %s KES for us, and no payout of ours knows of it', cents / 100)
  FROM reconciliation_break
 WHERE cleared_at IS NULL AND explained_at IS NULL AND rule IN ('unknown_payment', 'paid_twice');

--: break_old
--: severity warn
--: means: Something has not agreed with M-PESA's statement for more than a day, and nobody has explained it.
--: do: mend or explain it: `baraza breaks list`
SELECT subject, format('does not agree with the statement since %s: %s',
                       to_char(opened_at AT TIME ZONE 'Africa/Nairobi', 'DD/MM'), replace(rule, '_', ' '))
  FROM reconciliation_break
 WHERE cleared_at IS NULL AND explained_at IS NULL AND opened_at <= now() - interval '1 day';
