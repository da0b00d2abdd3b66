-- What is wrong with SMS. Each query returns a row (subject, detail) for each thing that is wrong now.

--: sms_unpaid
--: severity page
--: means: The gateway refuses our SMS for want of credit. Members get no receipts; these phones get no alerts.
--: do: top up the account at Africa's Talking; sending goes on by itself
SELECT 'gateway', 'our account at the SMS gateway is empty; nothing is sent' FROM sms_pause;

--: sms_late
--: severity warn
--: means: SMS are due and not sent for two minutes.
--: do: run `baraza sms status`; it says what waits and why
SELECT 'outbox', format('%s SMS are due for more than 2 minutes', count(*))
  FROM message WHERE due_at < now() - interval '2 minutes'
HAVING count(*) > 0;

--: sms_failing
--: severity warn
--: means: More than one in five SMS of the last hour was given up.
--: do: run `baraza sms list --failed`; it says why each was given up
SELECT 'outbox', format('%s of %s SMS of the last hour failed', count(*) FILTER (WHERE state = 'failed'), count(*))
  FROM message WHERE finished_at > now() - interval '1 hour'
HAVING count(*) >= 20 AND count(*) FILTER (WHERE state = 'failed') * 5 > count(*);
