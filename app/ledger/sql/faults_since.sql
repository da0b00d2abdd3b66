-- The rules of the books once more, so that they can also be asked about what is new. This replaces what
-- ledger.faults() was made with.
SET ROLE baraza_ledger;

CREATE INDEX journal_block_reach ON ledger.journal_block (to_xact);
CREATE INDEX journal_entry_recovery ON ledger.journal_entry (reference) WHERE kind = 'recovery';

-- No id that was made at this moment or later is below this one.
CREATE FUNCTION ledger.first_id(since timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (lpad(to_hex((extract(epoch FROM since) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;

-- Members' accounts that entries of this transaction number and later have lines on.
CREATE FUNCTION ledger.touched_since(from_xact bigint) RETURNS SETOF bigint LANGUAGE sql STABLE AS $$
    SELECT DISTINCT p.account_id
      FROM ledger.journal_entry e
      JOIN ledger.posting p ON p.entry_id = e.id AND p.posted_on = e.posted_on
     WHERE e.xact_id >= touched_since.from_xact AND p.account_id < 9000000000000
$$;

-- Every rule of the books that is broken, and where. With 0 and the epoch it reads all the books. With more it
-- reads what was posted or sealed by that transaction number and later, the accounts that this touched, and lines
-- whose id is of that moment or later; the sums over everything are then left to a reading of everything.
CREATE FUNCTION ledger.faults_since(from_xact bigint, since timestamptz)
RETURNS TABLE (rule text, detail text) LANGUAGE sql STABLE AS $$
    SELECT 'a block holds what it held when it was sealed', 'block ' || b.block_no
      FROM ledger.journal_block b
      LEFT JOIN ledger.journal_block before ON before.block_no = b.block_no - 1
      CROSS JOIN LATERAL ledger.block_contents(b.from_xact, b.to_xact, b.prev_hash) c
     WHERE b.to_xact > faults_since.from_xact
       AND (b.prev_hash <> coalesce(before.hash, sha256('baraza'))
            OR b.from_xact <> coalesce(before.to_xact, 0)
            OR (b.entries, b.debit_cents, b.hash) IS DISTINCT FROM (c.entries, c.debit_cents, c.hash))
    UNION ALL
    SELECT 'an entry nets to zero, has all its lines and means what its fingerprint says',
           'entry ' || e.id
      FROM ledger.journal_entry e
      LEFT JOIN LATERAL (
           SELECT count(*) AS lines, sum(p.cents) AS net,
                  jsonb_agg(jsonb_build_array(p.account_id, p.cents) ORDER BY p.account_id) AS meaning
             FROM ledger.posting p
            WHERE p.entry_id = e.id AND p.posted_on = e.posted_on) l ON true
     WHERE e.xact_id >= faults_since.from_xact
       AND (l.lines <> e.lines OR l.net <> 0
            OR e.fingerprint <> ledger.fingerprint(e.kind, e.reference, e.reverses, l.meaning))
    UNION ALL
    SELECT 'a posting belongs to an entry', 'entry ' || p.entry_id || ', account ' || p.account_id
      FROM ledger.posting p
      LEFT JOIN ledger.journal_entry e ON e.id = p.entry_id AND e.posted_on = p.posted_on
     WHERE e.id IS NULL AND p.entry_id >= ledger.first_id(since)
       AND p.posted_on >= (since AT TIME ZONE 'UTC')::date
    UNION ALL
    SELECT 'a balance is the sum of its postings, which count from 1 without a gap',
           'account ' || b.account_id
      FROM ledger.account_balance b
      LEFT JOIN (SELECT account_id, sum(greatest(cents, 0)) AS debits,
                        sum(greatest(-cents, 0)) AS credits, count(*) AS lines,
                        count(DISTINCT account_version) AS versions, max(account_version) AS top,
                        (array_agg(balance_cents ORDER BY account_version DESC))[1] AS last
                   FROM ledger.posting
                 WHERE account_id < 9000000000000
                   AND (faults_since.from_xact = 0
                        OR (account_version IS NOT NULL
                            AND account_id = ANY (ARRAY(SELECT ledger.touched_since(faults_since.from_xact)))))
                  GROUP BY account_id) p USING (account_id)
     WHERE (faults_since.from_xact = 0
            OR b.account_id = ANY (ARRAY(SELECT ledger.touched_since(faults_since.from_xact))))
       AND ((b.debit_cents, b.credit_cents, b.version, b.version, b.version)
            IS DISTINCT FROM (coalesce(p.debits, 0), coalesce(p.credits, 0), coalesce(p.lines, 0),
                              coalesce(p.versions, 0), coalesce(p.top, 0))
            OR b.credit_cents - b.debit_cents <> coalesce(p.last, 0))
    UNION ALL
    SELECT 'what is held is the sum of the live liens', 'account ' || b.account_id
      FROM ledger.account_balance b
      LEFT JOIN (SELECT account_id, sum(cents) AS cents FROM ledger.lien
                  WHERE released_at IS NULL GROUP BY account_id) l USING (account_id)
     WHERE b.held_cents <> coalesce(l.cents, 0)
    UNION ALL
    SELECT 'no balance is below its minimum', 'account ' || b.account_id
      FROM ledger.account_balance b
     WHERE b.credit_cents - b.debit_cents - b.held_cents < b.min_cents
    UNION ALL
    SELECT 'the sums by general ledger account are those of the postings', 'account ' || t.gl_code
      FROM ledger.trial_balance t
      LEFT JOIN (SELECT a.gl_code, sum(p.cents) AS cents FROM ledger.posting p
                   JOIN ledger.account a ON a.id = p.account_id GROUP BY a.gl_code) p USING (gl_code)
     WHERE faults_since.from_xact = 0 AND t.cents <> coalesce(p.cents, 0)
    UNION ALL
    SELECT 'the sums by system account are those of the postings', 'account ' || s.id
      FROM ledger.system_account s
      LEFT JOIN (SELECT account_id, sum(cents) AS cents FROM ledger.posting
                  GROUP BY account_id) p ON p.account_id = s.id
     WHERE faults_since.from_xact = 0 AND s.cents <> coalesce(p.cents, 0)
    UNION ALL
    SELECT 'every table of the books is guarded', tablename || ' lacks ' || guard
      FROM ledger.missing_guard
$$;

CREATE OR REPLACE FUNCTION ledger.faults() RETURNS TABLE (rule text, detail text) LANGUAGE sql STABLE AS $$
    SELECT rule, detail FROM ledger.faults_since(0, 'epoch')
$$;

GRANT EXECUTE ON FUNCTION ledger.first_id, ledger.touched_since, ledger.faults_since TO baraza_app, baraza_reader;
RESET ROLE;
