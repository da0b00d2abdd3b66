-- The one way in for the application: whole entries under ids that their callers made beforehand.
SET ROLE baraza_ledger;

-- What an entry means. The effective date is left out: a retry after midnight means the same.
CREATE FUNCTION ledger.fingerprint(kind ledger.entry_kind, reference text, reverses uuid, lines jsonb)
RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
RETURN sha256(convert_to(jsonb_build_array(kind, reference, reverses, lines)::text, 'UTF8'));

CREATE FUNCTION ledger.entry_requests(
    ids uuid[], kinds text[], effective_dates date[], refs text[], reversed_ids uuid[],
    line_entries uuid[], line_accounts bigint[], line_cents bigint[])
RETURNS TABLE (id uuid, kind ledger.entry_kind, effective_on date, reference text, reverses uuid,
               lines bigint, fingerprint bytea)
LANGUAGE sql STABLE AS $$
    SELECT e.id, e.kind::ledger.entry_kind, e.effective_on, e.reference, e.reverses,
           coalesce(l.lines, 0),
           ledger.fingerprint(e.kind::ledger.entry_kind, e.reference, e.reverses, l.meaning)
      FROM unnest(ids, kinds, effective_dates, refs, reversed_ids)
           AS e(id, kind, effective_on, reference, reverses)
      LEFT JOIN (SELECT entry, count(*) AS lines,
                        jsonb_agg(jsonb_build_array(account, cents) ORDER BY account) AS meaning
                   FROM unnest(line_entries, line_accounts, line_cents) AS u(entry, account, cents)
                  GROUP BY entry) l ON l.entry = e.id
     ORDER BY e.id
$$;

-- Posts all entries or none and returns the ids of the new ones. An id that is in the books with
-- the same meaning is left alone; with another meaning the whole call is refused.
CREATE FUNCTION ledger.post_entries(
    ids uuid[], kinds text[], effective_dates date[], refs text[], reversed_ids uuid[],
    line_entries uuid[], line_accounts bigint[], line_cents bigint[])
RETURNS SETOF uuid LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
DECLARE
    fresh uuid[];
    old uuid[] := '{}';
    other uuid;
BEGIN
    WITH added AS (
        INSERT INTO ledger.journal_entry
               (id, posted_on, kind, effective_on, posted_at, xact_id, reference, reverses, lines, fingerprint)
        SELECT r.id, ledger.id_date(r.id), r.kind, r.effective_on, now(), 0, r.reference, r.reverses,
               r.lines, r.fingerprint
          FROM ledger.entry_requests(ids, kinds, effective_dates, refs, reversed_ids,
                                     line_entries, line_accounts, line_cents) r
        ON CONFLICT DO NOTHING
        RETURNING id)
    SELECT coalesce(array_agg(id), '{}') INTO fresh FROM added;

    IF cardinality(fresh) < cardinality(ids) THEN
        -- A statement of its own, so that it sees the row of whoever came first and committed.
        SELECT r.id INTO other
          FROM ledger.entry_requests(ids, kinds, effective_dates, refs, reversed_ids,
                                     line_entries, line_accounts, line_cents) r
          LEFT JOIN ledger.journal_entry e ON e.id = r.id AND e.posted_on = ledger.id_date(r.id)
         WHERE e.fingerprint IS DISTINCT FROM r.fingerprint
         LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'entry % is in the books with other contents', other
                USING ERRCODE = 'BZ111', CONSTRAINT = 'entry_means_the_same';
        END IF;
        old := ARRAY(SELECT unnest(ids) EXCEPT SELECT unnest(fresh));
    END IF;

    -- The order of insertion is the order of locks: by account, so nobody waits in a circle.
    INSERT INTO ledger.posting (entry_id, posted_on, account_id, cents)
    SELECT entry, ledger.id_date(entry), account, cents
      FROM unnest(line_entries, line_accounts, line_cents) AS u(entry, account, cents)
     WHERE entry <> ALL (old)
     ORDER BY account, entry;
    RETURN QUERY SELECT unnest(fresh);
END $$;

-- One entry: 'posted', or 'exists' when the same entry was there already.
CREATE FUNCTION ledger.post_entry(
    id uuid, kind text, effective_on date, reference text, accounts bigint[], cents bigint[],
    reverses uuid DEFAULT NULL)
RETURNS text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
BEGIN
    PERFORM ledger.post_entries(
        ARRAY[id], ARRAY[kind], ARRAY[effective_on], ARRAY[reference], ARRAY[reverses],
        array_fill(id, ARRAY[cardinality(accounts)]), accounts, cents);
    RETURN CASE WHEN FOUND THEN 'posted' ELSE 'exists' END;
END $$;

-- Locks the balances in the order of their numbers and tells what each member may take out.
CREATE FUNCTION ledger.lock_available(accounts bigint[])
RETURNS TABLE (account_id bigint, available_cents bigint) LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
    SELECT b.account_id,
           CASE WHEN b.is_closed THEN 0
                ELSE b.credit_cents - b.debit_cents - b.held_cents - b.min_cents END
      FROM ledger.account_balance b
     WHERE b.account_id = ANY (accounts)
     ORDER BY b.account_id
       FOR NO KEY UPDATE
$$;

-- A running balance that may not go below zero is one that we owe: liabilities only.
CREATE FUNCTION ledger.open_account(gl smallint) RETURNS bigint LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
    INSERT INTO ledger.account (gl_code)
    SELECT code FROM ledger.gl_account WHERE code = gl AND class = 'liability'
    RETURNING id
$$;

CREATE FUNCTION ledger.place_lien(account bigint, hold_cents bigint, why text) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
    INSERT INTO ledger.lien (account_id, cents, reason) VALUES (account, hold_cents, why) RETURNING id
$$;

CREATE FUNCTION ledger.release_lien(lien_id bigint) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
    WITH gone AS (UPDATE ledger.lien SET released_at = now()
                   WHERE id = lien_id AND released_at IS NULL RETURNING id)
    SELECT EXISTS (SELECT FROM gone)
$$;

-- Waits for entries under way, so that none slips into a period while it closes.
CREATE FUNCTION ledger.close_period(through date) RETURNS void LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
    LOCK TABLE ledger.journal_entry IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO ledger.accounting_period (closed_through) VALUES (through);
$$;

RESET ROLE;
