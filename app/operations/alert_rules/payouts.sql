-- What is wrong with payouts. Each query returns a row (subject, detail) for each thing that is wrong now.

--: doubt_old
--: severity warn
--: do: run `baraza payouts show` with its reference; ask Safaricom about it if status queries bring nothing
SELECT reference, format('in doubt since %s', to_char(state_since AT TIME ZONE 'Africa/Nairobi', 'DD/MM HH24:MI'))
  FROM payout
 WHERE state = 'in_doubt' AND NOT frozen AND state_since <= now() - interval '30 minutes' AND state_since > now() - interval '2 hours';

--: doubt_very_old
--: severity page
--: do: call Safaricom with its originator conversation id, which `baraza payouts show` names; nothing goes back by itself
SELECT reference, format('in doubt since %s', to_char(state_since AT TIME ZONE 'Africa/Nairobi', 'DD/MM HH24:MI'))
  FROM payout WHERE state = 'in_doubt' AND NOT frozen AND state_since <= now() - interval '2 hours';

--: payout_frozen
--: severity page
--: do: run `baraza payouts show` with its reference, import M-PESA's statement, then settle, release or uphold it: `baraza cases`
SELECT reference, coalesce(failure, 'a contradiction') FROM payout
 WHERE frozen;

--: paid_after_reversal
--: severity page
--: do: stop withdrawals if there is more than one, then find out why money went back; `baraza cases make-good` or `give-up` ends it
SELECT reference, 'M-PESA paid it after its total had gone back to savings' FROM payout WHERE state = 'recovery';

--: dead_letter
--: severity page
--: do: mend what the reason names, then `baraza dead-letters retry` with its reference
SELECT p.reference, format('%s failed every time: %s', d.step, d.reason)
  FROM dead_letter d JOIN payout p ON p.id = d.payout_id WHERE d.closed_at IS NULL;

--: results_silent
--: severity page
--: do: see that PUBLIC_URL is reached from outside and that CALLBACK_SOURCES has Safaricom's addresses
SELECT 'callbacks', format('%s payouts were taken by M-PESA in the last 15 minutes, and no result came', count(*))
  FROM attempt
 WHERE outcome = 'accepted' AND finished_at BETWEEN now() - interval '15 minutes' AND now() - interval '2 minutes'
   AND NOT EXISTS (SELECT FROM inbox WHERE kind = 'b2c_result' AND received_at > now() - interval '15 minutes')
HAVING count(*) >= 5;
