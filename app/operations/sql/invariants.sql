-- What must be true of payouts, their evidence, their entries and their SMS in every snapshot,
-- also in the middle of the worst run. Each query lists what breaks its rule; none is right.
-- The line that begins with "--:" is the rule, in words that the audit prints. The books' own
-- rules are in ledger.faults().
--
-- A rule is written once and asked in two ways. The full audit runs the query as it stands. The
-- watch of every minute puts a condition in the place of each comment such as /*payouts p.id*/:
-- "p.id is one of the payouts of late, and". So a comment stands where "and" binds as it must.
-- What is read from sums or a small index has no such place, and is always asked about everything.

--: all accounts together net to zero
SELECT format('off by %s cents', sum(cents)) FROM ledger.trial_balance HAVING sum(cents) <> 0;

--: the sums by general ledger account are those of members' balances and of system accounts
SELECT format('account %s: %s cents, its accounts %s', t.gl_code, t.cents, coalesce(s.cents, 0))
  FROM ledger.trial_balance t
  LEFT JOIN (SELECT gl_code, sum(cents) AS cents
               FROM (SELECT gl_code, cents FROM ledger.system_account
                     UNION ALL
                     SELECT a.gl_code, b.debit_cents - b.credit_cents
                       FROM ledger.account_balance b JOIN ledger.account a ON a.id = b.account_id) one
              GROUP BY gl_code) s USING (gl_code)
 WHERE t.cents <> coalesce(s.cents, 0);

--: money in transit is exactly what open payouts have taken from members
SELECT format('in transit %s cents, open payouts %s cents', -s.cents, o.cents)
  FROM ledger.system_account s
  CROSS JOIN (SELECT coalesce(sum(p.total_cents), 0) AS cents
                FROM payout p
                JOIN ledger.journal_entry r
                  ON r.id = p.reserve_id AND r.posted_on = ledger.id_date(p.reserve_id)
               WHERE p.state IN ('reserved', 'approval', 'submitting', 'submitted', 'in_doubt')) o
 WHERE s.gl_code = 2020 AND -s.cents <> o.cents;

--: every payout has the entries of its state: a reserve, then one settle or one compensate, never both
SELECT format('%s is %s with %s', p.reference, p.state,
              concat_ws(', ', coalesce(r.kind::text, 'no reserve'), e.kind::text))
  FROM payout p
  LEFT JOIN ledger.journal_entry r ON r.id = p.reserve_id AND r.posted_on = ledger.id_date(p.reserve_id)
  LEFT JOIN ledger.journal_entry e ON e.id = p.resolve_id AND e.posted_on = ledger.id_date(p.resolve_id)
 WHERE /*payouts p.id*/ NOT CASE
       WHEN p.state IN ('requested', 'declined') THEN r.id IS NULL AND e.id IS NULL
       WHEN p.state IN ('reserved', 'submitting', 'submitted', 'in_doubt')
            THEN r.kind = 'reserve' AND e.id IS NULL
       WHEN p.state = 'approval' THEN e.id IS NULL
       WHEN p.state IN ('paid', 'returned') THEN r.kind = 'reserve' AND e.kind = 'settle'
       WHEN p.state = 'cancelled'
            THEN coalesce(r.kind = 'reserve' AND e.kind = 'compensate', r.id IS NULL AND e.id IS NULL)
       ELSE r.kind = 'reserve' AND e.kind = 'compensate' END IS TRUE;

--: the entries of a payout move its own amount, fee and duty on its own account
SELECT format('%s: account %s has %s cents in its %s, should have %s', p.reference, should.account_id,
              coalesce(line.cents, 0), should.kind, should.cents)
  FROM payout p
  CROSS JOIN LATERAL (VALUES
       ('reserve', p.reserve_id, p.account_id, p.total_cents),
       ('reserve', p.reserve_id, 9000000002020, -p.total_cents),
       ('compensate', p.resolve_id, 9000000002020, p.total_cents),
       ('compensate', p.resolve_id, p.account_id, -p.total_cents),
       ('settle', p.resolve_id, 9000000002020, p.total_cents),
       ('settle', p.resolve_id, 9000000001010, -p.amount_cents),
       ('settle', p.resolve_id, 9000000004010, -p.fee_cents),
       ('settle', p.resolve_id, 9000000002030, -p.duty_cents)) AS should(kind, entry_id, account_id, cents)
  JOIN ledger.journal_entry e
    ON e.id = should.entry_id AND e.posted_on = ledger.id_date(should.entry_id)
   AND e.kind::text = should.kind
  LEFT JOIN ledger.posting line
    ON line.entry_id = e.id AND line.posted_on = e.posted_on AND line.account_id = should.account_id
 WHERE /*payouts p.id*/ should.cents <> 0 AND line.cents IS DISTINCT FROM should.cents;

--: every entry about a payout names a payout, under an id that the payout carries
SELECT format('entry %s: %s %s', e.id, e.kind, e.reference)
  FROM ledger.journal_entry e
  LEFT JOIN payout p ON p.reference = e.reference
 WHERE /*entries e.xact_id*/ e.kind IN ('reserve', 'settle', 'compensate', 'provider_charge', 'recovery')
   AND NOT coalesce(CASE e.kind
           WHEN 'reserve' THEN e.id = p.reserve_id AND e.reverses IS NULL
           WHEN 'settle' THEN e.id = p.resolve_id AND e.reverses IS NULL
           WHEN 'compensate' THEN e.id = p.resolve_id AND e.reverses = p.reserve_id
           ELSE p.id IS NOT NULL END, false);

--: what was booked after a payout had ended is there once, and only where it belongs
SELECT format('%s is %s with %s', p.reference, p.state, coalesce(string_agg(later.line, ', '), 'nothing'))
  FROM payout p
  LEFT JOIN (SELECT e.reference, format('%s of %s cents', e.kind, l.cents) AS line, e.kind::text AS kind, l.cents
               FROM ledger.journal_entry e
               JOIN ledger.posting l ON l.entry_id = e.id AND l.posted_on = e.posted_on
                AND l.account_id = CASE e.kind WHEN 'returned' THEN 9000000001010 ELSE 9000000001020 END
              WHERE e.kind IN ('returned', 'recovered', 'written_off')) later ON later.reference = p.reference
 WHERE /*payouts p.id*/ true
 GROUP BY p.id
HAVING coalesce(array_agg(later.kind) FILTER (WHERE later.kind IS NOT NULL), '{}') <>
       CASE WHEN p.state IN ('returned', 'recovered', 'written_off') THEN ARRAY[p.state] ELSE '{}'::text[] END
    OR abs(max(later.cents)) <> p.amount_cents;

--: a payout in recovery has one entry that says what its member owes
SELECT format('%s is %s with %s recovery entries of %s cents', p.reference, p.state, count(l.cents),
              coalesce(sum(l.cents), 0))
  FROM payout p
  LEFT JOIN (SELECT e.reference, d.cents
               FROM ledger.journal_entry e
               JOIN ledger.posting d ON d.entry_id = e.id AND d.posted_on = e.posted_on
                AND d.account_id = 9000000001020
              WHERE e.kind = 'recovery') l ON l.reference = p.reference
 WHERE /*payouts p.id*/ true
 GROUP BY p.id
HAVING coalesce(array_agg(l.cents) FILTER (WHERE l.cents IS NOT NULL), '{}') <>
       CASE WHEN p.state IN ('recovery', 'recovered', 'written_off') THEN ARRAY[p.amount_cents]
            ELSE '{}'::bigint[] END;

--: every savings account with money belongs to a member, and every member's account is in the books
SELECT format('account %s', coalesce(b.account_id, m.account_id))
  FROM ledger.account_balance b
  FULL JOIN member_account m ON m.account_id = b.account_id
 WHERE (m.account_id IS NULL AND b.credit_cents <> b.debit_cents) OR b.account_id IS NULL;

--: every paid payout stands on a success with its receipt and its amount
SELECT format('%s is %s on %s', p.reference, p.state, coalesce(e.class, 'nothing'))
  FROM payout p
  LEFT JOIN evidence e ON e.id = p.evidence_id AND e.payout_id = p.id
 WHERE /*payouts p.id*/ p.state IN ('paid', 'recovery')
   AND (e.class, e.receipt, e.amount_cents) IS DISTINCT FROM ('success', p.receipt, p.amount_cents);

--: nobody has both: what M-PESA paid after the money had gone back is in recovery
SELECT format('%s is %s', p.reference, p.state)
  FROM payout p
 WHERE /*payouts p.id*/ p.state = 'reversed' AND NOT p.frozen
   AND EXISTS (SELECT FROM evidence e
                WHERE e.payout_id = p.id AND e.class = 'success' AND e.folded_at IS NOT NULL
                  AND e.id > p.evidence_id);

--: no receipt speaks for two payouts
SELECT format('%s: %s', receipt, string_agg(DISTINCT reference, ', '))
  FROM (SELECT receipt, reference FROM payout
        UNION ALL
        SELECT e.receipt, p.reference FROM evidence e JOIN payout p ON p.id = e.payout_id
         WHERE e.class = 'success') said
 WHERE /*receipts receipt*/ receipt IS NOT NULL
 GROUP BY receipt HAVING count(DISTINCT reference) > 1;

--: money went back only on a definite no, or because nothing was ever sent; time alone moved none
SELECT format('%s went to %s on %s, %s calls', p.reference, v.to_state, coalesce(e.class, 'nothing'),
              a.calls)
  FROM payout_event v
  JOIN payout p ON p.id = v.payout_id
  LEFT JOIN evidence e ON e.id = v.evidence_id AND e.payout_id = v.payout_id
  CROSS JOIN LATERAL (SELECT count(*) AS calls FROM attempt WHERE payout_id = p.id) a
 WHERE /*payouts v.payout_id*/ ((v.to_state = 'reversed' AND e.class IS DISTINCT FROM 'definite_no')
    OR (v.to_state IN ('declined', 'cancelled') AND a.calls > 0));

--: what only people may decide was proposed by one, agreed to by another, and done once
SELECT format('%s: proposal %s', p.reference, coalesce(c.id, 0))
  FROM evidence e
  FULL JOIN (SELECT * FROM case_proposal WHERE outcome = 'executed') c ON c.id = e.proposal_id
  JOIN payout p ON p.id = coalesce(e.payout_id, c.payout_id)
 WHERE /*payouts p.id*/ (e.source = 'person' OR c.id IS NOT NULL)
   AND (e.source, e.class, e.payout_id, c.checker_id <> c.maker_id)
       IS DISTINCT FROM ('person', c.evidence_class, c.payout_id, true)
UNION ALL
SELECT format('%s went to %s on %s of %s', p.reference, v.to_state, coalesce(e.class, 'nothing'),
              coalesce(e.source, 'nobody'))
  FROM payout_event v
  JOIN payout p ON p.id = v.payout_id
  LEFT JOIN evidence e ON e.id = v.evidence_id AND e.payout_id = v.payout_id
 WHERE /*payouts v.payout_id*/ v.to_state IN ('returned', 'recovered', 'written_off')
   AND (e.source, e.class) IS DISTINCT FROM
       ('person', CASE v.to_state WHEN 'returned' THEN 'taken_back' WHEN 'recovered' THEN 'made_good'
                                  ELSE 'given_up' END);

--: what is held for a recovery is held until it is over, and no longer
SELECT format('lien %s: %s', l.id, l.reason)
  FROM ledger.lien l
 WHERE l.released_at IS NULL AND l.reason LIKE 'recovery of %'
   AND NOT EXISTS (SELECT FROM payout p
                    WHERE p.state = 'recovery' AND l.reason = 'recovery of ' || p.reference
                      AND p.account_id = l.account_id);

--: a payout's events are a path of allowed moves that ends where the payout stands
SELECT format('%s: event %s, %s to %s', p.reference, coalesce(v.version, 0),
              coalesce(v.from_state, 'nothing'), coalesce(v.to_state, 'nothing'))
  FROM payout p
  LEFT JOIN (SELECT payout_id, version, from_state, to_state,
                    row_number() OVER path AS place, lead(version) OVER path IS NULL AS is_last,
                    lag(to_state) OVER path AS came_from
               FROM payout_event WHERE /*payouts payout_id*/ true
             WINDOW path AS (PARTITION BY payout_id ORDER BY version)) v
    ON v.payout_id = p.id
 WHERE /*payouts p.id*/ (v.version IS NULL
    OR v.version <> v.place
    OR v.from_state IS DISTINCT FROM v.came_from
    OR (v.version = 1 AND v.to_state <> 'requested')
    OR (v.version > 1 AND NOT EXISTS (SELECT FROM payout_move m
                                       WHERE m.from_state = v.from_state AND m.to_state = v.to_state))
    OR (v.is_last AND (v.to_state, v.version) <> (p.state, p.version)));

--: the calls of a payout are numbered without a gap, carry one and the same body, and are of a payout that may be sent
SELECT format('%s is %s: %s calls, last is number %s, %s bodies', p.reference, p.state, count(*), max(a.n),
              count(DISTINCT a.body_hash))
  FROM attempt a JOIN payout p ON p.id = a.payout_id
 WHERE /*payouts a.payout_id*/ true
 GROUP BY p.id
HAVING count(*) <> max(a.n) OR count(DISTINCT a.body_hash) > 1
    OR p.state IN ('requested', 'declined', 'approval', 'reserved', 'cancelled');

--: every payout that has been called for says since when, and no other does
SELECT format('%s is %s, first called %s', p.reference, p.state, coalesce(p.first_call_at::text, 'never'))
  FROM payout p
 WHERE /*payouts p.id*/ (p.first_call_at IS NULL) = EXISTS (SELECT FROM attempt a WHERE a.payout_id = p.id);

--: no id of M-PESA's belongs to two payouts
SELECT format('%s: %s', a.conversation_id, string_agg(DISTINCT p.reference, ', '))
  FROM attempt a JOIN payout p ON p.id = a.payout_id
 WHERE /*conversations a.conversation_id*/ a.conversation_id IS NOT NULL
 GROUP BY a.conversation_id HAVING count(DISTINCT a.payout_id) > 1;

--: a member has at most one open payout
SELECT format('member %s: %s', member_id, string_agg(reference, ', '))
  FROM payout
 WHERE state IN ('requested', 'reserved', 'approval', 'submitting', 'submitted', 'in_doubt')
 GROUP BY member_id HAVING count(*) > 1;

--: a payout is what its member was shown: one quote, one payout, the same amounts
SELECT format('%s', string_agg(p.reference, ', '))
  FROM payout p LEFT JOIN quote q ON q.id = p.quote_id
 WHERE /*quotes p.quote_id*/ true
 GROUP BY p.quote_id, q.id
HAVING count(*) > 1
    OR bool_or((p.member_id, p.account_id, p.amount_cents, p.fee_cents, p.duty_cents) IS DISTINCT FROM
               (q.member_id, q.account_id, q.amount_cents, q.fee_cents, q.duty_cents));

--: nothing sleeps for ever: every open payout has a time at which it is worked, or a person's attention
SELECT format('%s is %s', p.reference, p.state)
  FROM payout p
 WHERE p.state IN ('requested', 'reserved', 'submitting', 'submitted', 'in_doubt')
   AND NOT p.frozen AND p.retry_at IS NULL
   AND NOT CASE WHEN p.state = 'requested' THEN p.work_due_at IS NOT NULL
                WHEN p.state = 'reserved' THEN coalesce(p.work_due_at, p.sim_check_due_at) IS NOT NULL
                WHEN p.state = 'submitting'
                     THEN coalesce(p.work_due_at, p.doubt_due_at, p.lease_until) IS NOT NULL
                ELSE p.ask_due_at IS NOT NULL END
   AND NOT EXISTS (SELECT FROM dead_letter d WHERE d.payout_id = p.id AND d.closed_at IS NULL);

--: nothing works on a payout that has ended
SELECT format('%s is %s', reference, state)
  FROM payout
 WHERE /*payouts id*/ state IN ('declined', 'paid', 'reversed', 'cancelled', 'recovery', 'recovered', 'written_off', 'returned')
   AND NOT frozen  -- people may ask about a contradiction
   AND num_nonnulls(work_due_at, doubt_due_at, ask_due_at, resend_due_at, notice_due_at, sim_check_due_at) > 0;

--: every message of M-PESA's that was worked became evidence, once
SELECT format('message %s, taken for %s', i.id, i.verdict)
  FROM inbox i LEFT JOIN evidence e ON e.inbox_id = i.id AND e.payout_id = i.payout_id
 WHERE /*since i.received_at*/ i.worked_at IS NOT NULL
 GROUP BY i.id HAVING count(e.id) <> 1;

--: every ended payout has told its member, once, and no SMS says what is not so
SELECT format('%s is %s, SMS: %s', p.reference, p.state,
              coalesce(string_agg(m.kind, ', ' ORDER BY m.queued_at), 'none'))
  FROM payout p
  LEFT JOIN message m ON m.payout_id = p.id
                     AND m.kind IN ('sent', 'failed', 'declined', 'cancelled', 'returned', 'recovered', 'written_off')
 WHERE /*payouts p.id*/ true
 GROUP BY p.id
HAVING coalesce(array_agg(m.kind ORDER BY m.kind) FILTER (WHERE m.kind IS NOT NULL), '{}') <>
       CASE WHEN p.state = 'paid' THEN ARRAY['sent']
            WHEN p.state = 'returned' THEN ARRAY['returned', 'sent']
            WHEN p.state IN ('reversed', 'recovery') THEN ARRAY['failed']
            WHEN p.state IN ('recovered', 'written_off') THEN ARRAY['failed', p.state]
            WHEN p.state IN ('declined', 'cancelled') THEN ARRAY[p.state]
            ELSE '{}'::text[] END;

--: an SMS about a payout names it and goes to its member's number
SELECT format('%s: %s', p.reference, m.kind)
  FROM message m JOIN payout p ON p.id = m.payout_id
 WHERE /*payouts m.payout_id*/ (strpos(m.body, p.reference) = 0 OR (m.member_id, m.msisdn) <> (p.member_id, p.msisdn));

--: every SMS either waits for its time or is done with
SELECT format('%s %s is %s after %s attempts', m.kind, m.id, m.state, m.attempts)
  FROM message m
 WHERE /*since m.queued_at*/ ((m.state = 'queued') <> (m.due_at IS NOT NULL)
    OR (m.state <> 'queued' AND m.attempts = 0));

--: the guards of payouts and their history are switched on
SELECT format('%s on %s', w.name, w.on_table)
  FROM (VALUES ('payout', 'payout_guard'), ('payout', 'payout_record'), ('payout', 'payout_kept'),
               ('payout_event', 'payout_event_kept'), ('attempt', 'attempt_kept'),
               ('evidence', 'evidence_kept'), ('evidence', 'evidence_of_people'),
               ('case_proposal', 'case_proposal_guard'), ('case_proposal', 'case_proposal_kept'),
               ('ledger.journal_entry', 'payout_end_is_moved')) AS w(on_table, name)
 WHERE NOT EXISTS (SELECT FROM pg_trigger t
                    WHERE t.tgrelid = w.on_table::regclass AND t.tgname = w.name
                      AND t.tgenabled IN ('O', 'A'));

--: the record of audits is guarded
SELECT format('%s on audit_run', w.name)
  FROM (VALUES ('audit_run_kept'), ('audit_run_remembered')) AS w(name)
 WHERE NOT EXISTS (SELECT FROM pg_trigger t
                    WHERE t.tgrelid = 'audit_run'::regclass AND t.tgname = w.name
                      AND t.tgenabled IN ('O', 'A'));

--: the guards of prices and limits are switched on
SELECT format('%s on %s', w.name, w.on_table)
  FROM (VALUES ('tariff', 'tariff_kept'), ('tariff_band', 'tariff_band_kept'),
               ('tariff_band', 'tariff_band_guard'), ('excise_rate', 'excise_rate_kept'),
               ('withdrawal_limit', 'withdrawal_limit_kept'), ('approval', 'approval_guard'),
               ('approval', 'approval_kept')) AS w(on_table, name)
 WHERE NOT EXISTS (SELECT FROM pg_trigger t
                    WHERE t.tgrelid = w.on_table::regclass AND t.tgname = w.name
                      AND t.tgenabled IN ('O', 'A'));

--: limits and fees that two people set are what their request says
SELECT format('request %s, %s from %s', coalesce(a.id, l.approval_id, t.approval_id), a.kind, a.subject)
  FROM (SELECT * FROM approval WHERE kind IN ('set_limits', 'set_tariff') AND outcome = 'executed') a
  FULL JOIN (SELECT * FROM withdrawal_limit WHERE approval_id IS NOT NULL) l ON l.approval_id = a.id
  FULL JOIN (SELECT * FROM tariff WHERE approval_id IS NOT NULL) t ON t.approval_id = a.id
 WHERE CASE a.kind
         WHEN 'set_limits' THEN t.id IS NOT NULL
              OR (l.effective_from::text, l.made_at) IS DISTINCT FROM (a.subject, a.decided_at)
              OR to_jsonb(l) - '{id,effective_from,made_at,approval_id}'::text[] IS DISTINCT FROM
                 to_jsonb(jsonb_populate_record(NULL::withdrawal_limit, a.detail -> 'limits'))
                 - '{id,effective_from,made_at,approval_id}'::text[]
         WHEN 'set_tariff' THEN l.id IS NOT NULL
              OR (t.effective_from::text, t.made_at) IS DISTINCT FROM (a.subject, a.decided_at)
              OR (SELECT jsonb_agg(jsonb_build_array(b.from_cents, b.to_cents, b.fee_cents) ORDER BY b.from_cents)
                    FROM tariff_band b WHERE b.tariff_id = t.id) IS DISTINCT FROM a.detail -> 'bands'
         ELSE true END;

--: what came from the SACCO's own books is a line of a batch that two people agreed on
SELECT format('entry %s: %s %s', e.id, e.kind, e.reference)
  FROM ledger.journal_entry e
  LEFT JOIN posting_batch_line l ON l.entry_id = e.id
  LEFT JOIN posting_batch b ON b.id = l.batch_id
  LEFT JOIN ledger.posting p
    ON p.entry_id = e.id AND p.posted_on = e.posted_on AND p.account_id = l.account_id
 WHERE /*entries e.xact_id*/ e.kind IN ('deposit', 'withdrawal', 'salary', 'correction')
   AND (b.state, b.checker_id <> b.maker_id, l.kind, l.reference, l.cents)
       IS DISTINCT FROM ('posted', true, e.kind::text, e.reference, -p.cents);

--: the guards of batches from the SACCO's own books are switched on
SELECT format('%s on %s', w.name, w.on_table)
  FROM (VALUES ('posting_batch', 'posting_batch_guard'), ('posting_batch', 'posting_batch_kept'),
               ('posting_batch', 'posting_batch_void'),
               ('posting_batch_line', 'posting_batch_line_guard'),
               ('posting_batch_line', 'posting_batch_line_kept'),
               ('balance_comparison', 'balance_comparison_kept')) AS w(on_table, name)
 WHERE NOT EXISTS (SELECT FROM pg_trigger t
                    WHERE t.tgrelid = w.on_table::regclass AND t.tgname = w.name
                      AND t.tgenabled IN ('O', 'A'));

--: the guards of statements, differences and closed days are switched on
SELECT format('%s on %s', w.name, w.on_table)
  FROM (VALUES ('statement_import', 'statement_import_kept'), ('statement_line', 'statement_line_kept'),
               ('statement_line', 'statement_line_stays'), ('reconciliation_break', 'reconciliation_break_kept'),
               ('reconciliation_break', 'reconciliation_break_explained'), ('day_close', 'day_close_kept'))
       AS w(on_table, name)
 WHERE NOT EXISTS (SELECT FROM pg_trigger t
                    WHERE t.tgrelid = w.on_table::regclass AND t.tgname = w.name
                      AND t.tgenabled IN ('O', 'A'));

--: the record of what people did holds what it held when it was sealed
SELECT format('block %s', b.block_no)
  FROM staff_action_block b
  CROSS JOIN LATERAL staff_action_contents(b.from_id, b.to_id, b.prev_hash) c
 WHERE /*since b.sealed_at*/ (c.hash, c.acts) IS DISTINCT FROM (b.hash, b.acts);

--: the seals of that record follow each other without a gap
SELECT format('block %s', b.block_no)
  FROM staff_action_block b
  LEFT JOIN staff_action_block p ON p.block_no = b.block_no - 1
 WHERE /*since b.sealed_at*/ ((b.prev_hash, b.from_id)
           IS DISTINCT FROM (coalesce(p.hash, sha256('baraza')), coalesce(p.to_id, 0))
        OR b.block_no <> 1 AND p.block_no IS NULL);

--: the guards of that record are switched on
SELECT format('%s on %s', w.name, w.on_table)
  FROM (VALUES ('staff_action', 'staff_action_kept'), ('staff_action_block', 'staff_action_block_kept'))
       AS w(on_table, name)
 WHERE NOT EXISTS (SELECT FROM pg_trigger t
                    WHERE t.tgrelid = w.on_table::regclass AND t.tgname = w.name
                      AND t.tgenabled IN ('O', 'A'));
