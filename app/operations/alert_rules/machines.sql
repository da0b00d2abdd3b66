-- What is wrong with Baraza's own machines. Each query returns a row (subject, detail) for each thing that is wrong now.

--: nobody_works
--: severity page
--: means: No worker process listens to this step. Payouts in it wait; nothing is lost.
--: do: see that `baraza worker` runs, and what its log says
SELECT step, 'no worker process listens to it'
  FROM unnest(ARRAY['debit', 'pay', 'resolve', 'ask', 'sms']) AS step
 WHERE NOT EXISTS (SELECT FROM worker_heartbeat
                    WHERE step = ANY (string_to_array(queues, ',')) AND beat_at > now() - interval '10 seconds')
   -- Where everything has only just been started, the workers are still to come.
   AND EXISTS (SELECT FROM worker_heartbeat WHERE queues = 'clock' AND started_at < now() - interval '30 seconds');

--: callbacks_wait
--: severity page
--: means: M-PESA's answers are filed and not worked. Members wait for their money or their receipt.
--: do: see that workers run and that PostgreSQL is not overloaded; members wait for their money or their receipt
SELECT 'inbox', format('%s callbacks wait, the oldest for %s s', count(*),
                       round(extract(epoch FROM now() - min(received_at))))
  FROM inbox i
 WHERE worked_at IS NULL AND received_at < now() - interval '10 seconds'
   AND EXISTS (SELECT FROM payout p WHERE p.id = i.payout_id)
HAVING count(*) > 0;

--: pins_guessed
--: severity warn
--: means: A hundred wrong PINs within an hour, of all members together. Somebody may try one PIN on many numbers.
--: do: look for one PIN tried on many numbers; `baraza withdrawals stop` if it goes on
SELECT 'wrong PINs', format('%s in the last hour, of %s members', count(*), count(DISTINCT member_id))
  FROM pin_attempt WHERE outcome = 'wrong' AND at > now() - interval '1 hour'
HAVING count(*) >= 100;

-- Nothing is lost, but the timekeeper now works every step by itself, slowly.
--: redis_away
--: severity page
--: means: Redis does not answer. The timekeeper works every step by itself meanwhile: slow, and safe.
--: do: see that Redis runs and that REDIS_URL is right; payouts go on meanwhile, only slower
SELECT 'redis', format('no answer since %s', to_char(o.since AT TIME ZONE 'Africa/Nairobi', 'DD/MM HH24:MI:SS'))
  FROM redis_outage o
 WHERE o.since < now() - interval '30 seconds' AND o.seen_at > now() - interval '1 minute';

-- Whoever should hear of alerts does not. The other channels say so.
--: alert_unsent
--: severity page
--: means: A webhook or a phone could not be told three times in a row. Whoever listens there hears nothing.
--: do: run `baraza alerts test`; it says what is wrong with each channel
SELECT n.channel, format('%s notices wait, the oldest since %s: %s', count(*),
                         to_char(min(n.made_at) AT TIME ZONE 'Africa/Nairobi', 'DD/MM HH24:MI'), max(n.failure))
  FROM alert_notice n
 WHERE n.sent_at IS NULL AND n.attempts >= 3 AND n.due_at IS NOT NULL
 GROUP BY n.channel;
