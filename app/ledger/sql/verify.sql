-- Prevention ends at the superuser; detection does not. Reads everything, changes nothing.
SET ROLE baraza_ledger;

-- Guards that a table of the books should have and has not, or has switched off for replicas.
CREATE VIEW ledger.missing_guard AS
SELECT w.tablename::text, w.guard
  FROM (SELECT c.oid, c.relname AS tablename, unnest(
                CASE WHEN c.relname ~ '^posting(_\d{6})?$'
                     THEN ARRAY['balance', 'kept', 'kept_whole', 'whole_entries']
                     WHEN c.relname ~ '^journal_entry(_\d{6})?$'
                     THEN ARRAY['stamp', 'kept', 'kept_whole']
                     WHEN c.relname = 'account_balance'
                     THEN ARRAY['kept', 'kept_by_postings', 'opened_with_account', 'kept_whole']
                     WHEN c.relname = 'journal_block'
                     THEN ARRAY['filled', 'added_up', 'kept', 'kept_whole']
                     WHEN c.relname = 'account' THEN ARRAY['opened', 'kept', 'kept_whole']
                     WHEN c.relname = 'lien' THEN ARRAY['hold', 'kept_as_placed', 'kept', 'kept_whole']
                     ELSE ARRAY['kept', 'kept_whole'] END) AS guard
          FROM pg_class c
         WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind IN ('r', 'p')) w
 WHERE NOT EXISTS (SELECT FROM pg_trigger t
                    WHERE t.tgrelid = w.oid AND t.tgname = w.guard AND t.tgenabled = 'A');

-- Every rule of the books that is broken, and where.
CREATE FUNCTION ledger.faults() RETURNS TABLE (rule text, detail text) LANGUAGE sql STABLE AS $$
    SELECT 'a block holds what it held when it was sealed', 'block ' || b.block_no
      FROM (SELECT *, lag(hash, 1, sha256('baraza')) OVER w AS hash_before,
                   lag(to_xact, 1, 0::bigint) OVER w AS end_before
              FROM ledger.journal_block WINDOW w AS (ORDER BY block_no)) b
      CROSS JOIN LATERAL ledger.block_contents(b.from_xact, b.to_xact, b.prev_hash) c
     WHERE b.prev_hash <> b.hash_before OR b.from_xact <> b.end_before
        OR (b.entries, b.debit_cents, b.hash) IS DISTINCT FROM (c.entries, c.debit_cents, c.hash)
    UNION ALL
    SELECT 'an entry nets to zero, has all its lines and means what its fingerprint says',
           'entry ' || e.id
      FROM ledger.journal_entry e
      LEFT JOIN LATERAL (
           SELECT count(*) AS lines, sum(p.cents) AS net,
                  jsonb_agg(jsonb_build_array(p.account_id, p.cents) ORDER BY p.account_id) AS meaning
             FROM ledger.posting p
            WHERE p.entry_id = e.id AND p.posted_on = e.posted_on) l ON true
     WHERE l.lines <> e.lines OR l.net <> 0
        OR e.fingerprint <> ledger.fingerprint(e.kind, e.reference, e.reverses, l.meaning)
    UNION ALL
    SELECT 'a posting belongs to an entry', 'entry ' || p.entry_id || ', account ' || p.account_id
      FROM ledger.posting p
      LEFT JOIN ledger.journal_entry e ON e.id = p.entry_id AND e.posted_on = p.posted_on
     WHERE e.id IS NULL
    UNION ALL
    SELECT 'a balance is the sum of its postings, which count from 1 without a gap',
           'account ' || b.account_id
      FROM ledger.account_balance b
      LEFT JOIN (SELECT account_id, sum(greatest(cents, 0)) AS debits,
                        sum(greatest(-cents, 0)) AS credits, count(*) AS lines,
                        count(DISTINCT account_version) AS versions, max(account_version) AS top,
                        (array_agg(balance_cents ORDER BY account_version DESC))[1] AS last
                   FROM ledger.posting WHERE account_id < 9000000000000
                  GROUP BY account_id) p USING (account_id)
     WHERE (b.debit_cents, b.credit_cents, b.version, b.version, b.version)
           IS DISTINCT FROM (coalesce(p.debits, 0), coalesce(p.credits, 0), coalesce(p.lines, 0),
                             coalesce(p.versions, 0), coalesce(p.top, 0))
        OR b.credit_cents - b.debit_cents <> coalesce(p.last, 0)
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
     WHERE t.cents <> coalesce(p.cents, 0)
    UNION ALL
    SELECT 'the sums by system account are those of the postings', 'account ' || s.id
      FROM ledger.system_account s
      LEFT JOIN (SELECT account_id, sum(cents) AS cents FROM ledger.posting
                  GROUP BY account_id) p ON p.account_id = s.id
     WHERE s.cents <> coalesce(p.cents, 0)
    UNION ALL
    SELECT 'every table of the books is guarded', tablename || ' lacks ' || guard
      FROM ledger.missing_guard
$$;

RESET ROLE;
