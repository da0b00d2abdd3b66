-- What is wrong between us and the providers that we call. Each query returns a row (subject, detail) for each thing
-- that is wrong now; it clears when the row is gone.

--: breaker_open
--: severity page
--: means: The next payout would fail like the last ones, so none is begun. Confirmed withdrawals wait unsent.
--: do: run `baraza providers status`; it names the cause and the cure. Members' payouts wait unsent meanwhile
SELECT b.provider,
       format('no payout is begun since %s: %s%s',
              to_char(b.opened_at AT TIME ZONE 'Africa/Nairobi', 'DD/MM HH24:MI'), b.cause, ', code ' || b.code)
  FROM provider_breaker b
 WHERE b.opened_at IS NOT NULL AND b.cause IN ('outage', 'setup');

--: initiator_refused
--: severity page
--: means: M-PESA refuses our user or password. Nothing goes out, since each try may lock it for good.
--: do: check the initiator's user and password in the M-PESA portal before anything else is sent; each try may lock it
SELECT b.provider, format('M-PESA refuses our initiator%s; nothing goes out', ', code ' || b.code)
  FROM provider_breaker b
 WHERE b.cause = 'login';

--: float_low
--: severity page
--: means: The account that payouts are paid from is empty, or below the reserve that was set.
--: do: top up the utility account; payouts go on when M-PESA tells that it is enough. If it does not, `baraza providers resume pay --reason ...`
SELECT b.provider,
       format('payouts wait for money on our utility account%s; last told: %s',
              ', code ' || b.code,
              coalesce((SELECT 'KES ' || to_char(f.cents / 100.0, 'FM999,999,999,990.00')
                          FROM float_reading f ORDER BY f.said_at DESC, f.id DESC LIMIT 1), 'nothing'))
  FROM provider_breaker b
 WHERE b.cause = 'float';

-- Payouts' own results tell the float too, so this is no page: it only means that nobody would tell of a top-up.
--: float_untold
--: severity warn
--: means: The last three times that M-PESA was asked for the float, no balance came. After a top-up payouts would not go on by themselves.
--: do: see that the initiator has the role "Balance Query ORG API" in the M-PESA portal; `baraza providers status` says what came
SELECT 'float', format('three questions since %s brought no balance',
              to_char(min(w.asked_at) AT TIME ZONE 'Africa/Nairobi', 'DD/MM HH24:MI'))
  FROM (SELECT q.asked_at, EXISTS (SELECT FROM float_reading f WHERE f.query_id = q.id) AS told
          FROM balance_query q
         WHERE q.asked_at IS NOT NULL AND q.ended_at IS NOT NULL
         ORDER BY q.asked_at DESC LIMIT 3) w
HAVING count(*) = 3 AND NOT bool_or(w.told) AND max(w.asked_at) > now() - interval '1 day';

--: calls_slowed
--: severity warn
--: means: M-PESA said that we call too often; we call less often for ten minutes.
--: do: compare DARAJA_CALLS_PER_S_MAX with what Safaricom allows us; the rate recovers by itself in ten minutes
SELECT r.provider, format('M-PESA said at %s that we call too often; %s calls a second now',
              to_char(r.slowed_at AT TIME ZONE 'Africa/Nairobi', 'HH24:MI:SS'), round(r.calls_per_s::numeric, 1))
  FROM provider_rate r
 WHERE r.slowed_at > now() - interval '10 minutes';

--: token_failing
--: severity page
--: means: Safaricom gives us no access token, so no call can be made.
--: do: check DARAJA_CONSUMER_KEY and DARAJA_CONSUMER_SECRET, and that Safaricom's host can be reached
SELECT t.provider, format('no valid access token since %s while payouts wait',
              coalesce(to_char(t.expires_at AT TIME ZONE 'Africa/Nairobi', 'DD/MM HH24:MI:SS'), 'the beginning'))
  FROM provider_token t
 WHERE t.provider = 'daraja'
   AND (t.expires_at IS NULL OR t.expires_at < now() - interval '30 seconds')
   AND EXISTS (SELECT FROM attempt a WHERE a.outcome = 'not_sent' AND a.finished_at > now() - interval '5 minutes'
                AND a.id > (SELECT coalesce(max(id), 0) - 1000 FROM attempt));

--: calls_held_back
--: severity warn
--: means: A person holds back one kind of call. It ends by itself.
--: do: ask who holds it back whether it is still needed; `baraza providers resume` ends it
SELECT p.step, format('held back by %s until %s: %s', p.paused_by,
              to_char(p.until AT TIME ZONE 'Africa/Nairobi', 'DD/MM HH24:MI'), p.reason)
  FROM provider_pause p
 WHERE p.ended_at IS NULL AND p.until > now();

--: withdrawals_stopped
--: severity warn
--: means: Nobody can withdraw. A person stopped it, or an audit did.
--: do: `baraza withdrawals status` says who stopped them and why; `baraza withdrawals resume` lets them go on
SELECT 'withdrawals', format('stopped by %s since %s: %s', s.stopped_by,
              to_char(s.stopped_at AT TIME ZONE 'Africa/Nairobi', 'DD/MM HH24:MI'), s.reason)
  FROM withdrawal_stop s
 WHERE s.resumed_at IS NULL;

--: calls_failing
--: severity warn
--: means: More than one call in five to M-PESA was not taken in the last 15 minutes.
--: do: run `baraza providers status`; look at the codes of the last calls with `baraza payouts list --state in_doubt`
SELECT 'M-PESA', format('%s of %s calls in 15 minutes were not taken', w.failed, w.calls)
  FROM (SELECT count(*) AS calls, count(*) FILTER (WHERE outcome NOT IN ('accepted', 'duplicate')) AS failed
          FROM attempt
         WHERE committed_at > now() - interval '15 minutes' AND outcome IS NOT NULL) w
 WHERE w.calls >= 20 AND w.failed * 5 > w.calls;

-- A few come from address lists that somebody typed wrongly. More than that is a knocking that wants to get in, or a
-- new address of Safaricom's, whose answers we then refuse.
--: callbacks_forged
--: severity page
--: means: More than twenty callbacks were refused at our door in 15 minutes: a wrong token, or an address that is not listed.
--: do: look for "callback_refused" in the log of `baraza web`; Safaricom's new address goes into CALLBACK_SOURCES, others into the firewall
SELECT 'callbacks', format('%s were refused in 15 minutes: %s', sum(r.callbacks), string_agg(DISTINCT r.reason, ', '))
  FROM callback_refusal r
 WHERE r.at > now() - interval '15 minutes'
HAVING sum(r.callbacks) > 20;

-- Safaricom lets an initiator's password live for 90 days; then every payout fails at once.
--: credential_expires
--: severity page
--: means: The initiator's password ends within two weeks. After that every payout fails.
--: do: set a new password in the M-PESA portal, then DARAJA_INITIATOR_PASSWORD and DARAJA_PASSWORD_SET_ON, and restart
SELECT e.what, format('ends on %s', to_char(e.expires_on, 'DD/MM/YYYY'))
  FROM expiry e
 WHERE e.expires_on <= (now() AT TIME ZONE 'Africa/Nairobi')::date + 14;
