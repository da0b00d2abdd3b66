-- What waits for people. Contradictions, recoveries and dead letters have rules of their own, in payouts.sql.

--: doubt_needs_person
--: severity page
--: means: For a day neither M-PESA nor its status answers could say whether it paid. Only its statement and two people can end it.
--: do: import M-PESA's statement of that day, ask with `baraza cases ask`, then settle or release it: `baraza cases`
SELECT p.reference, format('for a day nobody could say whether M-PESA paid %s KES', p.amount_cents / 100)
  FROM payout_case c JOIN payout p ON p.id = c.payout_id
 WHERE c.kind = 'doubt' AND c.opens_at <= now();

--: payment_taken_back
--: severity warn
--: means: M-PESA paid and later took it back. The member has neither the money nor her savings.
--: do: compare with M-PESA's statement, then `baraza cases take-back` with its reference, or `uphold` if it stands
SELECT p.reference, 'M-PESA took it back after paying it; the member has neither money nor savings'
  FROM payout_case c JOIN payout p ON p.id = c.payout_id
 WHERE c.kind = 'taken_back';

--: proposal_waits
--: severity warn
--: means: One person has proposed how to end a case; for half an hour no second person has looked at it. Proposals expire.
--: do: have a second person look at it: `baraza cases proposals`
SELECT p.reference, format('proposal %s (%s) waits for a second person', c.id, c.action)
  FROM case_proposal c JOIN payout p ON p.id = c.payout_id
 WHERE c.outcome IS NULL AND c.made_at <= now() - interval '30 minutes' AND c.expires_at > now();
