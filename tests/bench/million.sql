-- Many paid payouts at once, with all that steps would have written about them. The guards are off meanwhile, so this
-- is for a scratch database only. :payouts is how many, :members of whom; the last :fresh are of the last three minutes.
SET LOCAL session_replication_role = replica;
DO $$ DECLARE t record; BEGIN
    FOR t IN SELECT oid::regclass AS name FROM pg_class
              WHERE relnamespace = 'ledger'::regnamespace AND relkind IN ('r', 'p') LOOP
        EXECUTE 'ALTER TABLE ' || t.name || ' DISABLE TRIGGER USER';
    END LOOP;
END $$;
-- Transaction numbers below are counted from one million; those of this server go on far above them.
INSERT INTO ledger.epoch (number, xid_base) SELECT max(number) + 1, 100000000 FROM ledger.epoch;

CREATE FUNCTION pg_temp.made_id(at timestamptz, kind integer, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
RETURN (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(kind), 3, '0')
        || '8' || lpad(to_hex(n), 15, '0'))::uuid;

CREATE TEMP TABLE made AS
SELECT n, m.no, 5000000 + m.no AS account, 5000000 + m.no AS member, (n - 1) / {members} + 1 AS nth, t.at,
       (t.at AT TIME ZONE 'Africa/Nairobi')::date AS day, pg_temp.made_id(t.at, 1, n) AS id,
       pg_temp.made_id(t.at, 2, n) AS reserve_id, pg_temp.made_id(t.at, 3, n) AS resolve_id,
       pg_temp.made_id(t.at, 4, n) AS quote_id, pg_temp.made_id(t.at, 5, n) AS message_id,
       '+2547' || lpad((10000000 + m.no)::text, 8, '0') AS msisdn,
       'BRZ' || (SELECT string_agg(substr('23456789ABCDEFGHJKMNPQRSTUVWXYZ', (n / (31 ^ k)::bigint % 31 + 1)::integer, 1), '')
                   FROM generate_series(0, 6) k) AS reference
  FROM generate_series(1, {payouts}) n
  CROSS JOIN LATERAL (SELECT (n - 1) % {members} + 1) AS m(no)
  CROSS JOIN LATERAL (SELECT CASE WHEN n > {payouts} - {fresh} THEN now() - ({payouts} - n) * interval '180 s' / {fresh}
                             ELSE date_trunc('month', now()) - interval '25 days'
                                  + n * interval '25 days' / {payouts} END) AS t(at);

INSERT INTO member (id, member_no, name, msisdn)
SELECT DISTINCT member, 'X' || no, 'Wanjiku Kamau', msisdn FROM made;
INSERT INTO ledger.account (id, gl_code) SELECT 5000000 + no, 2010 FROM generate_series(1, {members}) no;
INSERT INTO member_account (account_id, member_id) SELECT 5000000 + no, 5000000 + no FROM generate_series(1, {members}) no;
INSERT INTO ledger.account_balance (account_id, debit_cents, credit_cents, version)
SELECT account, count(*) * 152070, 100000000, count(*) + 1 FROM made GROUP BY account;

CREATE TEMP TABLE lines AS
SELECT pg_temp.made_id(date_trunc('month', now()) - interval '26 days', 6, no) AS entry_id,
       'opening' AS kind, 1000000 + no AS xact, date_trunc('month', now()) - interval '26 days' AS at, 'X' || no AS reference,
       5000000 + no AS account, l.*
  FROM generate_series(1, {members}) no
  CROSS JOIN LATERAL (VALUES (5000000 + no, -100000000::bigint, 1, 100000000::bigint),
                             (9000000001010, 100000000, NULL, NULL)) l(line_account, cents, version, balance)
UNION ALL
SELECT CASE l.kind WHEN 'reserve' THEN reserve_id ELSE resolve_id END, l.kind,
       2000000 + 2 * n + (l.kind = 'settle')::integer, at, reference, account, l.line_account, l.cents, l.version, l.balance
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

DO $$ DECLARE t record; BEGIN
    FOR t IN SELECT g.tgrelid::regclass AS name, g.tgname FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
              WHERE c.relnamespace = 'ledger'::regnamespace AND NOT g.tgisinternal LOOP
        EXECUTE format('ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER %I', t.name, t.tgname);
    END LOOP;
END $$;
DROP TABLE made, lines;
