-- Sealing: committed entries are chained by SHA-256 and added up, in order, with no gap.
SET ROLE baraza_ledger;

-- No entry of a number below this can appear any more: every such transaction has ended.
CREATE FUNCTION ledger.horizon() RETURNS bigint LANGUAGE sql STABLE
RETURN pg_snapshot_xmin(pg_current_snapshot())::text::bigint
       + (SELECT xid_base FROM ledger.epoch ORDER BY number DESC LIMIT 1);

CREATE FUNCTION ledger.sealed_to() RETURNS bigint LANGUAGE sql STABLE
RETURN coalesce((SELECT to_xact FROM ledger.journal_block ORDER BY block_no DESC LIMIT 1), 0);

-- Everything that the entries of a range say, in one hash. Numbers stand for dates and times, so
-- that no session setting can change a byte.
CREATE FUNCTION ledger.block_contents(from_no bigint, to_no bigint, previous bytea,
                                      OUT entries integer, OUT debit_cents numeric, OUT hash bytea)
LANGUAGE sql STABLE AS $$
    SELECT count(*)::integer, coalesce(sum(e.debits), 0),
           sha256(previous || coalesce(string_agg(sha256(convert_to(jsonb_build_array(
               e.id, e.kind, e.effective_on - date '1970-01-01', extract(epoch FROM e.posted_at),
               e.reference, e.reverses, encode(e.fingerprint, 'hex'), e.contents)::text, 'UTF8')),
               ''::bytea ORDER BY e.xact_id, e.id), ''::bytea))
      FROM (SELECT h.*, p.debits, p.contents
              FROM ledger.journal_entry h
              LEFT JOIN LATERAL (
                   SELECT sum(greatest(cents, 0)) AS debits,
                          jsonb_agg(jsonb_build_array(account_id, cents, account_version, balance_cents)
                                    ORDER BY account_id) AS contents
                     FROM ledger.posting
                    WHERE entry_id = h.id AND posted_on = h.posted_on) p ON true
             WHERE h.xact_id >= from_no AND h.xact_id < to_no) e
$$;

-- A block says only how far it goes; the rest is worked out here, so nobody can write a false one.
CREATE FUNCTION ledger.fill_block() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last ledger.journal_block;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('ledger.seal'));
    SELECT * INTO last FROM ledger.journal_block ORDER BY block_no DESC LIMIT 1;
    NEW.block_no := coalesce(last.block_no, 0) + 1;
    NEW.from_xact := coalesce(last.to_xact, 0);
    NEW.prev_hash := coalesce(last.hash, sha256('baraza'));
    NEW.sealed_at := clock_timestamp();
    IF NEW.to_xact > ledger.horizon() THEN
        RAISE EXCEPTION 'a block cannot reach past what is committed for certain'
            USING ERRCODE = 'BZ112', CONSTRAINT = 'block_is_committed';
    END IF;
    SELECT c.entries, c.debit_cents, c.hash INTO NEW.entries, NEW.debit_cents, NEW.hash
      FROM ledger.block_contents(NEW.from_xact, NEW.to_xact, NEW.prev_hash) c;
    RETURN NEW;
END $$;

CREATE FUNCTION ledger.add_up_block() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger.gl_daily AS d (gl_code, effective_on, debit_cents, credit_cents)
    SELECT a.gl_code, e.effective_on, sum(greatest(p.cents, 0)), sum(greatest(-p.cents, 0))
      FROM ledger.journal_entry e
      JOIN ledger.posting p ON p.entry_id = e.id AND p.posted_on = e.posted_on
      JOIN ledger.account a ON a.id = p.account_id
     WHERE e.xact_id >= NEW.from_xact AND e.xact_id < NEW.to_xact
     GROUP BY a.gl_code, e.effective_on
    ON CONFLICT (gl_code, effective_on) DO UPDATE
       SET debit_cents = d.debit_cents + excluded.debit_cents,
           credit_cents = d.credit_cents + excluded.credit_cents;
    INSERT INTO ledger.system_balance AS b (account_id, debit_cents, credit_cents)
    SELECT p.account_id, sum(greatest(p.cents, 0)), sum(greatest(-p.cents, 0))
      FROM ledger.journal_entry e
      JOIN ledger.posting p ON p.entry_id = e.id AND p.posted_on = e.posted_on
     WHERE e.xact_id >= NEW.from_xact AND e.xact_id < NEW.to_xact
       AND p.account_id >= 9000000000000
     GROUP BY p.account_id
    ON CONFLICT (account_id) DO UPDATE
       SET debit_cents = b.debit_cents + excluded.debit_cents,
           credit_cents = b.credit_cents + excluded.credit_cents;
    RETURN NULL;
END $$;

CREATE TRIGGER filled BEFORE INSERT ON ledger.journal_block
    FOR EACH ROW EXECUTE FUNCTION ledger.fill_block();
CREATE TRIGGER added_up AFTER INSERT ON ledger.journal_block
    FOR EACH ROW EXECUTE FUNCTION ledger.add_up_block();
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON ledger.journal_block
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER kept BEFORE INSERT OR UPDATE OR DELETE ON ledger.gl_daily
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER kept BEFORE INSERT OR UPDATE OR DELETE ON ledger.system_balance
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger.refuse_change();
SELECT ledger.guard('ledger.journal_block'), ledger.guard('ledger.gl_daily'),
       ledger.guard('ledger.system_balance');

-- Seals the next block, of about max_entries: a database transaction is never parted. Returns the
-- number of entries sealed: 0 when there are none or another sealer is at work.
CREATE FUNCTION ledger.seal(max_entries integer) RETURNS integer LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
DECLARE
    from_no bigint;
    to_no bigint;
    sealed integer;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('ledger.seal')) THEN
        RETURN 0;
    END IF;
    from_no := ledger.sealed_to();
    SELECT max(x.xact_id) + 1 INTO to_no
      FROM (SELECT xact_id FROM ledger.journal_entry
             WHERE xact_id >= from_no AND xact_id < ledger.horizon()
             ORDER BY xact_id LIMIT max_entries) x;
    IF to_no IS NULL THEN
        RETURN 0;
    END IF;
    INSERT INTO ledger.journal_block (to_xact) VALUES (to_no) RETURNING entries INTO sealed;
    RETURN sealed;
END $$;

-- After a restore from a dump: counts transaction numbers on from where the books end. Does
-- nothing, and returns false, when the books are where they were.
CREATE FUNCTION ledger.begin_epoch() RETURNS boolean LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
DECLARE
    last_no bigint;
    next_no bigint;
BEGIN
    -- Entries under way carry the old base; they must be over before the new one counts.
    LOCK TABLE ledger.journal_entry IN SHARE ROW EXCLUSIVE MODE;
    last_no := greatest(ledger.sealed_to(), (SELECT max(xact_id) + 1 FROM ledger.journal_entry), 0);
    SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint + xid_base INTO next_no
      FROM ledger.epoch ORDER BY number DESC LIMIT 1;
    IF next_no >= last_no THEN
        RETURN false;
    END IF;
    INSERT INTO ledger.epoch (number, xid_base) SELECT max(number) + 1, last_no FROM ledger.epoch;
    RETURN true;
END $$;

-- Lines that no block holds yet: a few seconds' worth while the sealer runs.
CREATE VIEW ledger.unsealed AS
SELECT p.account_id, a.gl_code, e.effective_on, p.cents
  FROM ledger.journal_entry e
  JOIN ledger.posting p ON p.entry_id = e.id AND p.posted_on = e.posted_on
  JOIN ledger.account a ON a.id = p.account_id
 WHERE e.xact_id >= (SELECT ledger.sealed_to());

-- System accounts at this moment; debit side positive.
CREATE VIEW ledger.system_account AS
SELECT a.id, g.code AS gl_code, g.name,
       (coalesce(b.debit_cents - b.credit_cents, 0) + coalesce(u.cents, 0))::bigint AS cents
  FROM ledger.account a
  JOIN ledger.gl_account g ON g.code = a.gl_code
  LEFT JOIN ledger.system_balance b ON b.account_id = a.id
  LEFT JOIN (SELECT account_id, sum(cents) AS cents FROM ledger.unsealed
              GROUP BY account_id) u ON u.account_id = a.id
 WHERE NOT a.is_tracked;

-- All general ledger accounts at this moment; debit side positive; nets to zero.
CREATE VIEW ledger.trial_balance AS
SELECT g.code AS gl_code, g.name, g.class,
       (coalesce(d.cents, 0) + coalesce(u.cents, 0))::bigint AS cents
  FROM ledger.gl_account g
  LEFT JOIN (SELECT gl_code, sum(debit_cents - credit_cents) AS cents FROM ledger.gl_daily
              GROUP BY gl_code) d ON d.gl_code = g.code
  LEFT JOIN (SELECT gl_code, sum(cents) AS cents FROM ledger.unsealed
              GROUP BY gl_code) u ON u.gl_code = g.code;

RESET ROLE;
