-- Money that waits in transit leaves it only together with the move that says why, and so does what is booked later.
-- The move stands on evidence (payout_guard), so no code path, and no timer, leads to one of these entries without it.

CREATE FUNCTION payout_end_is_moved() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    stands text;
BEGIN
    IF NEW.kind IN ('settle', 'compensate') THEN
        SELECT state INTO stands FROM payout WHERE resolve_id = NEW.id;
    ELSE
        SELECT state INTO stands FROM payout WHERE reference = NEW.reference;
    END IF;
    IF stands <> ALL (CASE NEW.kind
            WHEN 'settle' THEN ARRAY['paid', 'returned']
            WHEN 'returned' THEN ARRAY['returned']
            WHEN 'recovery' THEN ARRAY['recovery', 'recovered', 'written_off']
            WHEN 'recovered' THEN ARRAY['recovered']
            WHEN 'written_off' THEN ARRAY['written_off']
            ELSE ARRAY['reversed', 'cancelled', 'recovery', 'recovered', 'written_off'] END) THEN
        RAISE EXCEPTION '% of a payout that is %', NEW.kind, stands
            USING ERRCODE = 'BZ007', CONSTRAINT = 'payout_end_is_moved',
                  HINT = 'Move the payout on its evidence in the same database transaction.';
    END IF;
    RETURN NULL;
END $$;
-- The ledger's owner makes the partition of each new month, and with it this trigger's copy.
GRANT EXECUTE ON FUNCTION payout_end_is_moved() TO baraza_ledger;

-- At commit, so that entry and move may come in either order.
CREATE CONSTRAINT TRIGGER payout_end_is_moved AFTER INSERT ON ledger.journal_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.kind IN ('settle', 'compensate', 'returned', 'recovery', 'recovered', 'written_off'))
    EXECUTE FUNCTION payout_end_is_moved();

-- On each partition by name: PostgreSQL copies the trigger to them, but not ENABLE ALWAYS. Months yet to come get
-- theirs from ledger.guard.
DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT relid FROM pg_partition_tree('ledger.journal_entry') LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER payout_end_is_moved', part);
    END LOOP;
END $$;
