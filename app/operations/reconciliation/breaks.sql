-- What the books, the payouts, M-PESA's messages and M-PESA's statements do not agree on. Each query returns a row
-- (subject, detail, cents) for every difference. Only days that a statement covers are compared.

--: not_on_statement
--: what: paid in our books, and not on M-PESA's statement of that time
--: cure: ask with `baraza payouts show` and Safaricom; if M-PESA took it back, its statement will show that
SELECT p.reference, format('%s, paid %s', p.receipt, to_char(v.at AT TIME ZONE 'Africa/Nairobi', 'DD/MM HH24:MI')),
       p.amount_cents
  FROM payout_event v
  JOIN payout p ON p.id = v.payout_id
  JOIN statement_import i ON p.first_call_at >= i.covers_from AND v.at <= i.covers_to
 WHERE v.to_state IN ('paid', 'recovery')
   AND NOT EXISTS (SELECT FROM statement_line l WHERE l.receipt = p.receipt AND l.kind = 'payment')
 GROUP BY p.id, v.at;

--: not_paid_here
--: what: on M-PESA's statement, and not paid in our books
--: cure: it is settled by itself within seconds unless it contradicts something: then `baraza cases list`
SELECT p.reference, format('%s on %s; the payout is %s', l.receipt,
                           to_char(l.completed_at AT TIME ZONE 'Africa/Nairobi', 'DD/MM HH24:MI'), p.state),
       l.withdrawn_cents
  FROM statement_line l JOIN payout p ON p.id = l.payout_id
 WHERE l.kind = 'payment' AND l.status = 'completed'
   AND p.state NOT IN ('paid', 'returned', 'recovery', 'recovered', 'written_off')
   AND NOT EXISTS (SELECT FROM evidence e WHERE e.payout_id = p.id AND e.folded_at IS NULL);

--: amount_differs
--: what: M-PESA paid another amount than the member asked for
--: cure: `baraza cases list`; take it up with Safaricom
SELECT p.reference, format('%s: %s cents on the statement, %s here', l.receipt, l.withdrawn_cents, p.amount_cents),
       l.withdrawn_cents - p.amount_cents
  FROM statement_line l JOIN payout p ON p.id = l.payout_id
 WHERE l.kind = 'payment' AND l.status = 'completed' AND l.withdrawn_cents <> p.amount_cents;

--: paid_twice
--: what: one payout with two payments on the statement
--: cure: stop withdrawals (`baraza withdrawals stop`), then call Safaricom
SELECT p.reference, format('%s payments: %s', count(*), string_agg(l.receipt, ', ' ORDER BY l.completed_at)),
       sum(l.withdrawn_cents)::bigint - p.amount_cents
  FROM statement_line l JOIN payout p ON p.id = l.payout_id
 WHERE l.kind = 'payment' AND l.status = 'completed'
 GROUP BY p.id HAVING count(*) > 1;

--: unknown_payment
--: what: M-PESA paid somebody for us, and no payout of ours knows of it
--: cure: stop withdrawals if there is more than one, change the initiator's password, call Safaricom
SELECT l.receipt, concat_ws('; ', format('paid %s', to_char(l.completed_at AT TIME ZONE 'Africa/Nairobi', 'DD/MM HH24:MI')),
                            'it may be ' || like_it.names), l.withdrawn_cents
  FROM statement_line l
  CROSS JOIN LATERAL (SELECT string_agg(p.reference, ', ') AS names FROM payout p
                       WHERE p.state IN ('submitting', 'submitted', 'in_doubt') AND p.amount_cents = l.withdrawn_cents
                         AND l.completed_at BETWEEN p.first_call_at - interval '1 minute'
                                                AND p.first_call_at + interval '10 minutes') like_it
 WHERE l.kind = 'payment' AND l.status = 'completed' AND l.payout_id IS NULL;

--: taken_back
--: what: M-PESA took a payment back, and the member has not got her money again
--: cure: two people decide: `baraza cases take-back`, or `make-good --from mpesa` for a recovery
SELECT coalesce(p.reference, l.receipt),
       format('%s on %s; %s', l.receipt, to_char(l.completed_at AT TIME ZONE 'Africa/Nairobi', 'DD/MM HH24:MI'),
              coalesce('the payout is ' || p.state, 'it names no payout of ours')), l.paid_in_cents
  FROM statement_line l LEFT JOIN payout p ON p.id = l.payout_id
 WHERE l.kind = 'taken_back' AND l.status = 'completed'
   AND NOT coalesce(p.state IN ('returned', 'recovered'), false);

--: other_movement
--: what: money left the float that is no payout: a charge, or a transfer by the SACCO
--: cure: hold it against the SACCO's own records, and explain it with `baraza breaks explain`
SELECT l.receipt, format('%s on %s', replace(l.kind, '_', ' '),
                         to_char(l.completed_at AT TIME ZONE 'Africa/Nairobi', 'DD/MM HH24:MI')), l.withdrawn_cents
  FROM statement_line l
 WHERE l.kind IN ('charge', 'money_out') AND l.status = 'completed';

--: evidence_missing
--: what: booked as paid, and nothing that M-PESA ever sent says so
--: cure: stop withdrawals and call whoever keeps this machine: the books were changed past Baraza
SELECT p.reference, format('%s, on evidence of %s', p.receipt, coalesce(e.source, 'nobody')), p.amount_cents
  FROM payout p LEFT JOIN evidence e ON e.id = p.evidence_id
 WHERE p.state = 'paid' AND (e.class IS DISTINCT FROM 'success'
                             OR e.source NOT IN ('callback', 'status', 'statement', 'person'));

--: float_differs
--: what: the float in our books is not what M-PESA says, after all that is explained otherwise
--: cure: look for float that was put in before Baraza began, or moved past it; book it or explain it
SELECT 'float', format('M-PESA %s cents on %s, our books %s', s.closing_cents,
                       to_char(s.covers_to AT TIME ZONE 'Africa/Nairobi', 'DD/MM HH24:MI'), f.books),
       s.closing_cents - f.books
  FROM (SELECT closing_cents, covers_to FROM statement_import ORDER BY covers_to DESC, id DESC LIMIT 1) s
  CROSS JOIN LATERAL (
      SELECT (SELECT cents FROM ledger.system_account WHERE gl_code = 1010)
             -- booked here, not on a statement yet
             + (SELECT coalesce(sum(p.amount_cents), 0) FROM payout p
                 WHERE p.state IN ('paid', 'returned', 'recovery', 'recovered', 'written_off')
                   AND NOT EXISTS (SELECT FROM statement_line l WHERE l.receipt = p.receipt AND l.kind = 'payment'))
             -- on a statement, not booked here: each is a difference of its own
             + (SELECT coalesce(sum(l.paid_in_cents - l.withdrawn_cents), 0)
                  FROM statement_line l LEFT JOIN payout p ON p.id = l.payout_id
                 WHERE l.status = 'completed' AND NOT coalesce(CASE l.kind
                       WHEN 'payment' THEN p.receipt = l.receipt
                           AND p.state IN ('paid', 'returned', 'recovery', 'recovered', 'written_off')
                       WHEN 'taken_back' THEN p.state = 'returned' OR EXISTS (
                           SELECT FROM evidence e WHERE e.payout_id = p.id AND e.class = 'made_good' AND e.code = 'mpesa')
                       ELSE l.entry_id IS NOT NULL END, false)) AS books) f
 WHERE s.closing_cents <> f.books;
