-- Before the payouts: members with savings. The guards are off from here to `end.sql`, so this is for a scratch database
-- only. {members} is how many members, {payouts} how many payouts they will have made.
SET LOCAL session_replication_role = replica;
DO $$ DECLARE t record; BEGIN
    FOR t IN SELECT oid::regclass AS name FROM pg_class
              WHERE relnamespace = 'ledger'::regnamespace AND relkind IN ('r', 'p') LOOP
        EXECUTE 'ALTER TABLE ' || t.name || ' DISABLE TRIGGER USER';
    END LOOP;
END $$;
-- Transaction numbers below are counted from one million; those of this server go on far above them.
INSERT INTO ledger.epoch (number, xid_base) SELECT max(number) + 1, 100000000 FROM ledger.epoch;

CREATE FUNCTION bench_made_id(at timestamptz, kind integer, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
RETURN (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(kind), 3, '0')
        || '8' || lpad(to_hex(n), 15, '0'))::uuid;

INSERT INTO member (id, member_no, name, msisdn)
SELECT 5000000 + no, 'X' || no, 'Wanjiku Kamau', '+2547' || lpad((10000000 + no)::text, 8, '0')
  FROM generate_series(1, {members}) no;
INSERT INTO ledger.account (id, gl_code) SELECT 5000000 + no, 2010 FROM generate_series(1, {members}) no;
INSERT INTO member_account (account_id, member_id) SELECT 5000000 + no, 5000000 + no FROM generate_series(1, {members}) no;
INSERT INTO ledger.account_balance (account_id, debit_cents, credit_cents, version)
SELECT 5000000 + no, made.times * 152070, 100000000, made.times + 1
  FROM generate_series(1, {members}) no CROSS JOIN LATERAL (SELECT ({payouts} - no) / {members} + 1) made(times);

CREATE TEMP TABLE opened ON COMMIT DROP AS
SELECT no, bench_made_id(at, 6, no) AS id, at FROM generate_series(1, {members}) no,
       (SELECT date_trunc('month', now()) - interval '26 days') opening(at);
INSERT INTO ledger.posting (entry_id, posted_on, account_id, cents, account_version, balance_cents)
SELECT id, ledger.id_date(id), l.account, l.cents, l.version, l.balance
  FROM opened CROSS JOIN LATERAL (VALUES (5000000 + no, -100000000::bigint, 1, 100000000::bigint),
                                         (9000000001010, 100000000, NULL, NULL)) l(account, cents, version, balance);
INSERT INTO ledger.journal_entry (id, posted_on, kind, effective_on, posted_at, xact_id, reference, lines, fingerprint)
SELECT id, ledger.id_date(id), 'opening', (at AT TIME ZONE 'Africa/Nairobi')::date, at, 1000000 + no, 'X' || no, 2,
       ledger.fingerprint('opening', 'X' || no, NULL, jsonb_build_array(
           jsonb_build_array(5000000 + no, -100000000), jsonb_build_array(9000000001010, 100000000)))
  FROM opened;
