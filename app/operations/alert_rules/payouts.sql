-- What is wrong with payouts. Each query returns a row (subject, detail) for each thing that is wrong now.

--: doubt_old
--: severity warn
--: means: M-PESA has not said for half an hour whether it paid. The member's money is held.
--: do: run `baraza payouts show` with its reference; ask Safaricom about it if status queries bring nothing
SELECT reference, format('in doubt since %s', to_char(state_since AT TIME ZONE 'Africa/Nairobi', 'DD/MM HH24:MI'))
  FROM payout
 WHERE state = 'in_doubt' AND NOT frozen AND state_since <= now() - interval '30 minutes' AND state_since > now() - interval '2 hours';

--: doubt_very_old
--: severity page
--: means: M-PESA has not said for two hours whether it paid. The member's money is held; time alone gives nothing back.
--: do: call Safaricom with its originator conversation id, which `baraza payouts show` names; nothing goes back by itself
SELECT reference, format('in doubt since %s', to_char(state_since AT TIME ZONE 'Africa/Nairobi', 'DD/MM HH24:MI'))
  FROM payout WHERE state = 'in_doubt' AND NOT frozen AND state_since <= now() - interval '2 hours';

--: payout_frozen
--: severity page
--: means: M-PESA contradicts itself about a payout. Nothing automatic touches it again.
--: do: run `baraza payouts show` with its reference, import M-PESA's statement, then settle, release or uphold it: `baraza cases`
SELECT reference, coalesce(failure, 'a contradiction') FROM payout
 WHERE frozen;

--: paid_after_reversal
--: severity page
--: means: M-PESA paid after it had said no and the money had gone back. The member has it twice.
--: do: stop withdrawals if there is more than one, then find out why money went back; `baraza cases make-good` or `give-up` ends it
SELECT reference, 'M-PESA paid it after its total had gone back to savings' FROM payout WHERE state = 'recovery';

-- The number is what binds, and M-PESA paid it; so no money waits for this. It clears when somebody has looked.
--: payee_differs
--: severity warn
--: means: M-PESA has another name for a number that was paid than the member's. It may have a new owner, or stand wrong in her file.
--: do: ask the member on another way than this number; correct it (`baraza members number`), or `baraza payouts payee-checked` with the reference
SELECT m.member_no, format('no word of the name in common; last paid with %s, of %s payouts',
                           (array_agg(p.reference ORDER BY p.requested_at DESC))[1], count(*))
  FROM payout p JOIN member m ON m.id = p.member_id
 WHERE p.id IN (SELECT payout_id FROM evidence WHERE payee = 'other')
   -- Once she has another number nothing more goes to this one.
   AND p.msisdn = m.msisdn
   AND NOT EXISTS (SELECT FROM payee_check c
                    WHERE c.member_id = p.member_id AND c.msisdn = p.msisdn AND c.good_until > now())
 GROUP BY m.member_no;

--: dead_letter
--: severity page
--: means: A step failed on this payout every time and has given up.
--: do: mend what the reason names, then `baraza dead-letters retry` with its reference
SELECT p.reference, format('%s failed every time: %s', d.step, d.reason)
  FROM dead_letter d JOIN payout p ON p.id = d.payout_id WHERE d.closed_at IS NULL;

--: results_silent
--: severity page
--: means: M-PESA takes payouts and no result comes back. Most often its answers do not reach us.
--: do: see that PUBLIC_URL is reached from outside and that CALLBACK_SOURCES has Safaricom's addresses
SELECT 'callbacks', format('%s payouts were taken by M-PESA in the last 15 minutes, and no result came', count(*))
  FROM attempt
 WHERE outcome = 'accepted' AND finished_at BETWEEN now() - interval '15 minutes' AND now() - interval '2 minutes'
   AND NOT EXISTS (SELECT FROM inbox WHERE kind = 'b2c_result' AND received_at > now() - interval '15 minutes')
HAVING count(*) >= 5;

-- Half a million shillings is what a branch holds: above it somebody must know, however young each doubt is.
--: doubt_sum
--: severity page
--: means: More than KES 500,000 of members' money is in doubt at once.
--: do: run `baraza payouts list --state in_doubt`; if it grows, `baraza withdrawals stop` and call Safaricom
SELECT 'in doubt', format('KES %s in %s payouts', to_char(sum(amount_cents) / 100.0, 'FM999,999,999,990.00'), count(*))
  FROM payout WHERE state = 'in_doubt'
HAVING sum(amount_cents) > 50000000;

-- A member who waits for a minute at the counter dials again.
--: results_slow
--: severity warn
--: means: One result in twenty takes more than a minute.
--: do: nothing with us: look at M-PESA's own status page; members are told by SMS when it takes longer
SELECT 'callbacks', format('one result in twenty takes more than %s s, of %s in 15 minutes', round(w.p95), w.results)
  FROM (SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM i.received_at - a.finished_at)) AS p95,
               count(*) AS results
          FROM attempt a
          CROSS JOIN LATERAL (SELECT min(received_at) AS received_at FROM inbox
                               WHERE kind = 'b2c_result' AND payout_id = a.payout_id) i
         WHERE a.outcome = 'accepted' AND a.committed_at > now() - interval '15 minutes'
           AND i.received_at > a.finished_at) w
 WHERE w.results >= 20 AND w.p95 > 60;
