-- What makes a bad entry impossible, in psql too. A raw INSERT is either right or refused.
-- All triggers are ENABLE ALWAYS: session_replication_role = replica does not switch them off.
SET ROLE baraza_ledger;

CREATE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.%: % is not possible; the books are only ever added to',
        TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP USING ERRCODE = 'BZ101', CONSTRAINT = 'append_only';
END $$;

-- This database transaction's number, which no restore can turn back. In plpgsql because that keeps
-- its plan; an SQL function with a subquery would be planned anew for every line of every entry.
CREATE FUNCTION ledger.current_xact() RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN pg_current_xact_id()::text::bigint
           + (SELECT xid_base FROM ledger.epoch ORDER BY number DESC LIMIT 1);
END $$;

CREATE FUNCTION ledger.stamp_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Hosts' clocks may differ by five minutes. An id further ahead could land in a month that is
    -- not there yet.
    IF ledger.id_milliseconds(NEW.id) > extract(epoch FROM clock_timestamp()) * 1000 + 300000 THEN
        RAISE EXCEPTION 'the id of entry % is from the future', NEW.id
            USING ERRCODE = 'BZ102', CONSTRAINT = 'entry_id_not_ahead';
    END IF;
    -- Whoever forges these would hide from the sealer.
    NEW.posted_at := clock_timestamp();
    NEW.xact_id := ledger.current_xact();
    IF NEW.xact_id < (SELECT to_xact FROM ledger.journal_block ORDER BY block_no DESC LIMIT 1) THEN
        RAISE EXCEPTION 'these books were restored from a dump'
            USING ERRCODE = 'BZ103', CONSTRAINT = 'epoch_current',
                  HINT = 'Run: SELECT ledger.begin_epoch()';
    END IF;
    RETURN NEW;
END $$;

-- Moves the running balance and writes it into the line, under the balance row's lock.
CREATE FUNCTION ledger.move_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    begun_by bigint;
BEGIN
    IF NEW.account_id >= 9000000000000 THEN
        IF NOT EXISTS (SELECT FROM ledger.account WHERE id = NEW.account_id) THEN
            RAISE EXCEPTION 'there is no account %', NEW.account_id
                USING ERRCODE = 'BZ104', CONSTRAINT = 'account_known';
        END IF;
        NEW.account_version := NULL;
        NEW.balance_cents := NULL;
        RETURN NEW;
    END IF;
    -- INSERT ... ON CONFLICT DO NOTHING runs this trigger and may then drop the line, which would
    -- leave a moved balance without a posting. So a line must be new and its header our own:
    -- nobody else can then be inserting the same line at the same time.
    SELECT xact_id INTO begun_by FROM ledger.journal_entry
     WHERE id = NEW.entry_id AND posted_on = NEW.posted_on LIMIT 1;
    IF begun_by IS DISTINCT FROM ledger.current_xact() THEN
        RAISE EXCEPTION 'entry % was not begun in this database transaction', NEW.entry_id
            USING ERRCODE = 'BZ105', CONSTRAINT = 'entry_is_of_this_transaction';
    END IF;
    IF EXISTS (SELECT FROM ledger.posting
               WHERE entry_id = NEW.entry_id AND account_id = NEW.account_id
                 AND posted_on = NEW.posted_on) THEN
        RAISE EXCEPTION 'entry % has its line on account % already', NEW.entry_id, NEW.account_id
            USING ERRCODE = 'BZ106', CONSTRAINT = 'one_line_per_account';
    END IF;
    UPDATE ledger.account_balance
       SET debit_cents = debit_cents + greatest(NEW.cents, 0),
           credit_cents = credit_cents + greatest(-NEW.cents, 0),
           version = version + 1
     WHERE account_id = NEW.account_id
    RETURNING version, credit_cents - debit_cents INTO NEW.account_version, NEW.balance_cents;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no account %', NEW.account_id
            USING ERRCODE = 'BZ104', CONSTRAINT = 'account_known';
    END IF;
    RETURN NEW;
END $$;

-- All lines of an entry come in one statement, net to zero, belong to a header of this very
-- transaction and to an open period. A deferred sum would miss balanced lines that come late.
CREATE FUNCTION ledger.check_entries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    this_xact bigint := ledger.current_xact();
    closed_through date := (SELECT max(p.closed_through) FROM ledger.accounting_period p);
    entry record;
    header record;
BEGIN
    -- A loop and not a join: with values for the day PostgreSQL opens one month and not all.
    FOR entry IN SELECT entry_id AS id, posted_on, sum(cents) AS net, count(*) AS lines
                   FROM new_lines GROUP BY entry_id, posted_on LOOP
        SELECT lines, effective_on, reverses, xact_id INTO header FROM ledger.journal_entry
         WHERE id = entry.id AND posted_on = entry.posted_on LIMIT 1;
        IF header.xact_id IS DISTINCT FROM this_xact THEN
            RAISE EXCEPTION 'entry % was not begun in this database transaction', entry.id
                USING ERRCODE = 'BZ105', CONSTRAINT = 'entry_is_of_this_transaction';
        ELSIF entry.net <> 0 THEN
            RAISE EXCEPTION 'entry % is off by % cents', entry.id, entry.net
                USING ERRCODE = 'BZ107', CONSTRAINT = 'entry_nets_to_zero';
        ELSIF entry.lines <> header.lines THEN
            RAISE EXCEPTION 'entry % has % lines here and promised %',
                entry.id, entry.lines, header.lines
                USING ERRCODE = 'BZ108', CONSTRAINT = 'entry_is_whole';
        ELSIF header.effective_on <= closed_through THEN
            RAISE EXCEPTION 'the books are closed through %', closed_through
                USING ERRCODE = 'BZ109', CONSTRAINT = 'period_open';
        ELSIF header.reverses IS NOT NULL AND NOT ledger.has_entry(header.reverses) THEN
            RAISE EXCEPTION 'entry % reverses %, which is not in the books',
                entry.id, header.reverses
                USING ERRCODE = 'BZ110', CONSTRAINT = 'reversed_entry_known';
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

CREATE FUNCTION ledger.has_entry(entry_id uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    day date := ledger.id_date(entry_id);
BEGIN
    RETURN EXISTS (SELECT FROM ledger.journal_entry WHERE id = entry_id AND posted_on = day);
END $$;

CREATE TRIGGER stamp BEFORE INSERT ON ledger.journal_entry
    FOR EACH ROW EXECUTE FUNCTION ledger.stamp_entry();
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON ledger.journal_entry
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER balance BEFORE INSERT ON ledger.posting
    FOR EACH ROW EXECUTE FUNCTION ledger.move_balance();
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON ledger.posting
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();

-- A tracked account is opened together with its balance row, at zero.
CREATE FUNCTION ledger.open_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.is_tracked THEN
        INSERT INTO ledger.account_balance (account_id) VALUES (NEW.id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER opened AFTER INSERT ON ledger.account
    FOR EACH ROW EXECUTE FUNCTION ledger.open_balance();
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON ledger.account
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER kept BEFORE DELETE ON ledger.gl_account
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER kept_code BEFORE UPDATE OF code, class ON ledger.gl_account
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();

-- Depth 0 in a WHEN clause means: this statement came from no trigger, so from a hand.
CREATE TRIGGER kept_by_postings BEFORE UPDATE ON ledger.account_balance FOR EACH ROW
    WHEN (pg_trigger_depth() = 0
          AND (OLD.account_id, OLD.debit_cents, OLD.credit_cents, OLD.held_cents, OLD.version)
              IS DISTINCT FROM
              (NEW.account_id, NEW.debit_cents, NEW.credit_cents, NEW.held_cents, NEW.version))
    EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER opened_with_account BEFORE INSERT ON ledger.account_balance FOR EACH ROW
    WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER kept BEFORE DELETE ON ledger.account_balance
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();

-- A lien holds money when it is placed and lets it go when it is released, once.
CREATE FUNCTION ledger.move_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE ledger.account_balance SET held_cents = held_cents + NEW.cents
         WHERE account_id = NEW.account_id AND NEW.released_at IS NULL;
    ELSE
        UPDATE ledger.account_balance SET held_cents = held_cents - OLD.cents
         WHERE account_id = OLD.account_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER hold AFTER INSERT OR UPDATE ON ledger.lien
    FOR EACH ROW EXECUTE FUNCTION ledger.move_hold();
CREATE TRIGGER kept_as_placed BEFORE UPDATE ON ledger.lien FOR EACH ROW
    WHEN (OLD.released_at IS NOT NULL OR NEW.released_at IS NULL
          OR (OLD.id, OLD.account_id, OLD.cents, OLD.reason, OLD.placed_at)
             IS DISTINCT FROM (NEW.id, NEW.account_id, NEW.cents, NEW.reason, NEW.placed_at))
    EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER kept BEFORE DELETE ON ledger.lien
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();

CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON ledger.accounting_period
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON ledger.epoch
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();

RESET ROLE;
