-- Whether a step may go on to debit or to call; if so, nobody stops withdrawals before its commit. In plpgsql, where
-- each statement sees what was committed before it: the stop, too, that was committed while we waited for the lock.
CREATE FUNCTION withdrawals_go_on() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('withdrawal switch', 0));
    RETURN NOT EXISTS (SELECT FROM withdrawal_stop WHERE resumed_at IS NULL);
END $$;
