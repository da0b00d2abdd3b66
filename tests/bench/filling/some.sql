-- Payouts number {first} to {last} of {payouts}, paid, with all that steps would have written about them; the last {fresh}
-- of all are of the last three minutes.
SET LOCAL session_replication_role = replica;
CREATE TEMP TABLE made ON COMMIT DROP AS
SELECT n, m.no, 5000000 + m.no AS account, 5000000 + m.no AS member, (n - 1) / {members} + 1 AS nth, t.at,
       (t.at AT TIME ZONE 'Africa/Nairobi')::date AS day, bench_made_id(t.at, 1, n) AS id,
       bench_made_id(t.at, 2, n) AS reserve_id, bench_made_id(t.at, 3, n) AS resolve_id,
       bench_made_id(t.at, 4, n) AS quote_id, bench_made_id(t.at, 5, n) AS message_id,
       '+2547' || lpad((10000000 + m.no)::text, 8, '0') AS msisdn,
       'BRZ' || (SELECT string_agg(substr('23456789ABCDEFGHJKMNPQRSTUVWXYZ', (n / (31 ^ k)::bigint % 31 + 1)::integer, 1), '')
                   FROM generate_series(0, 6) k) AS reference
  FROM generate_series({first}, {last}) n
  CROSS JOIN LATERAL (SELECT (n - 1) % {members} + 1) AS m(no)
  CROSS JOIN LATERAL (SELECT CASE WHEN n > {payouts} - {fresh} THEN now() - ({payouts} - n) * interval '180 s' / {fresh}
                             ELSE date_trunc('month', now()) - interval '25 days'
                                  + n * interval '25 days' / {payouts} END) AS t(at);

CREATE TEMP TABLE lines ON COMMIT DROP AS
SELECT CASE l.kind WHEN 'reserve' THEN reserve_id ELSE resolve_id END AS entry_id, l.kind,
       2000000 + 2 * n + (l.kind = 'settle')::integer AS xact, at, reference, account, l.line_account, l.cents, l.version, l.balance
  FROM made
  CROSS JOIN LATERAL (VALUES
       ('reserve', account, 152070::bigint, nth + 1, 100000000 - nth * 152070),
       ('reserve', 9000000002020, -152070, NULL, NULL),
       ('settle', 9000000002020, 152070, NULL, NULL), ('settle', 9000000001010, -150000, NULL, NULL),
       ('settle', 9000000004010, -1800, NULL, NULL), ('settle', 9000000002030, -270, NULL, NULL)
       ) l(kind, line_account, cents, version, balance);
INSERT INTO ledger.posting (entry_id, posted_on, account_id, cents, account_version, balance_cents)
SELECT entry_id, ledger.id_date(entry_id), line_account, cents, version, balance FROM lines;
INSERT INTO ledger.journal_entry (id, posted_on, kind, effective_on, posted_at, xact_id, reference, lines, fingerprint)
SELECT entry_id, ledger.id_date(entry_id), kind::ledger.entry_kind, (at AT TIME ZONE 'Africa/Nairobi')::date, at, xact,
       reference, count(*), ledger.fingerprint(kind::ledger.entry_kind, reference, NULL,
                              jsonb_agg(jsonb_build_array(line_account, cents) ORDER BY line_account))
  FROM lines GROUP BY entry_id, kind, at, xact, reference ORDER BY xact;

INSERT INTO quote (id, session_id, transcript_mac, member_id, account_id, amount_cents, fee_cents, duty_cents, shown_at)
SELECT quote_id, 'made ' || n, '', member, account, 150000, 1800, 270, at FROM made;
INSERT INTO inbox (id, kind, payout_id, sha256, body, source, received_at, worked_at, verdict) OVERRIDING SYSTEM VALUE
SELECT 1000000 + n, 'b2c_result', id, 'x', '{{}}', 'made', at, at, 'success' FROM made;
INSERT INTO attempt (id, payout_id, n, body_hash, committed_at, finished_at, outcome, conversation_id) OVERRIDING SYSTEM VALUE
SELECT 1000000 + n, id, 1, 'body', at, at, 'accepted', 'AG_' || reference FROM made;
INSERT INTO evidence (id, payout_id, source, class, code, receipt, amount_cents, conversation_id, inbox_id, at, folded_at)
       OVERRIDING SYSTEM VALUE
SELECT 1000000 + n, id, 'callback', 'success', '0', 'S' || substr(reference, 2), 150000, 'AG_' || reference, 1000000 + n, at, at
  FROM made;
INSERT INTO payout (id, reference, quote_id, member_id, account_id, msisdn, language, amount_cents, fee_cents, duty_cents,
                    reserve_id, resolve_id, state, version, state_since, evidence_id, receipt, requested_at, first_call_at,
                    work_due_at)
SELECT id, reference, quote_id, member, account, msisdn, 'en', 150000, 1800, 270, reserve_id, resolve_id, 'paid', 5, at,
       1000000 + n, 'S' || substr(reference, 2), at, at, NULL FROM made;
INSERT INTO payout_event (payout_id, version, from_state, to_state, cause, evidence_id, at)
SELECT id, v.version, v.from_state, v.to_state, 'made', CASE WHEN v.version = 5 THEN 1000000 + n END, at
  FROM made CROSS JOIN (VALUES (1, NULL, 'requested'), (2, 'requested', 'reserved'), (3, 'reserved', 'submitting'),
                               (4, 'submitting', 'submitted'), (5, 'submitted', 'paid')) v(version, from_state, to_state);
INSERT INTO message (id, kind, payout_id, member_id, msisdn, language, body, state, queued_at, due_at, attempts, finished_at)
SELECT message_id, 'sent', id, member, msisdn, 'en', reference || ' sent', 'delivered', at, NULL, 1, at FROM made;

