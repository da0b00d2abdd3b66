-- What somebody who took down every guard could do, by the rule that must find it.
-- Each paragraph is one fault; a rule may be broken in several ways.

--: a block holds what it held when it was sealed
UPDATE ledger.journal_entry SET effective_on = effective_on - 1 WHERE kind = 'settle';

--: an entry nets to zero, has all its lines and means what its fingerprint says
UPDATE ledger.posting SET cents = cents - 1 WHERE account_id = 9000000001010;

--: a posting belongs to an entry
DELETE FROM ledger.journal_entry WHERE kind = 'recovery';

--: a balance is the sum of its postings, which count from 1 without a gap
UPDATE ledger.account_balance SET credit_cents = credit_cents + 1;

UPDATE ledger.posting SET account_version = 7 WHERE account_version = 1;

--: what is held is the sum of the live liens
UPDATE ledger.account_balance SET held_cents = held_cents + 1 WHERE credit_cents - debit_cents > held_cents;

--: no balance is below its minimum
ALTER TABLE ledger.account_balance DROP CONSTRAINT account_balance_no_overdraft;
UPDATE ledger.account_balance SET min_cents = 1000000000;

--: the sums by general ledger account are those of the postings
UPDATE ledger.gl_daily SET debit_cents = debit_cents + 1, credit_cents = credit_cents + 2;

--: the sums by system account are those of the postings
UPDATE ledger.system_balance SET debit_cents = debit_cents + 1;

--: every table of the books is guarded
ALTER TABLE ledger.posting ENABLE REPLICA TRIGGER balance;

--: all accounts together net to zero
UPDATE ledger.gl_daily SET debit_cents = debit_cents + 1 WHERE gl_code = 1010;

--: the sums by general ledger account are those of members' balances and of system accounts
UPDATE ledger.gl_daily SET debit_cents = debit_cents + 1, credit_cents = credit_cents + 2;

UPDATE ledger.system_balance SET debit_cents = debit_cents + 1;

UPDATE ledger.account_balance SET credit_cents = credit_cents + 1;

--: money in transit is exactly what open payouts have taken from members
UPDATE payout SET state = 'declined' WHERE state = 'reserved';

UPDATE payout SET state = 'in_doubt' WHERE state = 'paid';

--: every payout has the entries of its state: a reserve, then one settle or one compensate, never both
UPDATE payout SET state = 'reserved' WHERE state = 'requested';

UPDATE payout SET state = 'declined' WHERE state = 'reserved';

UPDATE payout SET state = 'reversed' WHERE state = 'paid';

UPDATE payout SET state = 'paid', receipt = 'X' WHERE state = 'reversed';

UPDATE payout SET state = 'cancelled' WHERE state = 'in_doubt';

--: the entries of a payout move its own amount, fee and duty on its own account
UPDATE ledger.posting SET cents = cents - 100 WHERE account_id = 9000000004010;

UPDATE ledger.posting SET account_id = account_id + 1000
 WHERE cents > 0 AND account_id < 9000000000000;

DELETE FROM ledger.posting WHERE account_id = 9000000002030;

--: every entry about a payout names a payout, under an id that the payout carries
UPDATE ledger.journal_entry SET reference = 'BRZ2222222' WHERE kind = 'settle';

UPDATE ledger.journal_entry SET reverses = NULL WHERE kind = 'compensate';

UPDATE payout SET reserve_id = gen_random_uuid() WHERE state = 'paid';

--: what was booked after a payout had ended is there once, and only where it belongs
UPDATE ledger.journal_entry SET kind = 'opening' WHERE kind = 'returned';

UPDATE payout SET state = 'written_off' WHERE state = 'recovered';

UPDATE payout SET state = 'paid' WHERE state = 'returned';

--: a payout in recovery has one entry that says what its member owes
UPDATE ledger.journal_entry SET kind = 'opening' WHERE kind = 'recovery';

UPDATE payout SET state = 'recovery' WHERE state = 'reversed';

--: every savings account with money belongs to a member, and every member's account is in the books
DELETE FROM member_account WHERE member_id IN (SELECT member_id FROM payout WHERE state = 'paid');

INSERT INTO member_account SELECT 987654321, min(id) FROM member;

--: every paid payout stands on a success with its receipt and its amount
UPDATE evidence SET class = 'open' WHERE class = 'success';

UPDATE evidence SET receipt = 'OTHER' WHERE class = 'success';

UPDATE evidence SET amount_cents = amount_cents - 100 WHERE class = 'success';

UPDATE payout SET evidence_id = (SELECT max(id) FROM evidence) WHERE state = 'paid';

--: nobody has both: what M-PESA paid after the money had gone back is in recovery
UPDATE payout p SET state = 'reversed', evidence_id = v.evidence_id
  FROM payout_event v WHERE v.payout_id = p.id AND v.to_state = 'reversed' AND p.state = 'recovery';

INSERT INTO evidence (payout_id, source, class, folded_at)
SELECT id, 'callback', 'success', now() FROM payout WHERE state = 'reversed';

--: no receipt speaks for two payouts
ALTER TABLE payout DROP CONSTRAINT payout_receipt_key;
UPDATE payout SET receipt = (SELECT receipt FROM payout WHERE state = 'paid') WHERE state = 'recovery';

UPDATE evidence SET receipt = (SELECT receipt FROM payout WHERE state = 'paid') WHERE class = 'success';

--: money went back only on a definite no, or because nothing was ever sent; time alone moved none
UPDATE evidence SET class = 'doubt' WHERE class = 'definite_no';

UPDATE payout_event SET evidence_id = NULL WHERE to_state = 'reversed';

INSERT INTO attempt (payout_id, n, body_hash) SELECT id, 1, 'body' FROM payout WHERE state = 'declined';

--: what only people may decide was proposed by one, agreed to by another, and done once
UPDATE case_proposal SET outcome = 'rejected';

DELETE FROM evidence WHERE source = 'person' AND class = 'given_up';

ALTER TABLE case_proposal DROP CONSTRAINT case_proposal_two_people;
UPDATE case_proposal SET checker_id = maker_id;

UPDATE evidence SET source = 'statement' WHERE class = 'made_good';

UPDATE payout_event SET evidence_id = NULL WHERE to_state = 'returned';

--: what is held for a recovery is held until it is over, and no longer
UPDATE payout SET state = 'recovered' WHERE state = 'recovery';

--: a payout's events are a path of allowed moves that ends where the payout stands
DELETE FROM payout_event WHERE version = 2;

DELETE FROM payout_event;

UPDATE payout_event SET to_state = 'submitted' WHERE to_state = 'reserved';

UPDATE payout SET version = version + 1 WHERE state = 'paid';

UPDATE payout SET state = 'submitted' WHERE state = 'submitting';

DELETE FROM payout_move WHERE to_state = 'paid';

--: the calls of a payout are numbered without a gap, carry one and the same body, and are of a payout that may be sent
UPDATE attempt SET n = 2;

INSERT INTO attempt (payout_id, n, body_hash) SELECT id, 2, 'another' FROM payout WHERE state = 'in_doubt';

INSERT INTO attempt (payout_id, n, body_hash) SELECT id, 1, 'body' FROM payout WHERE state = 'reserved';

--: every payout that has been called for says since when, and no other does
UPDATE payout SET first_call_at = NULL WHERE state = 'in_doubt';

UPDATE payout SET first_call_at = now() WHERE state = 'reserved';

--: no id of M-PESA's belongs to two payouts
UPDATE attempt SET conversation_id = 'AG_1';

--: a member has at most one open payout
DROP INDEX payout_one_open;
UPDATE payout SET member_id = 1;

--: a payout is what its member was shown: one quote, one payout, the same amounts
UPDATE payout SET fee_cents = fee_cents + 1 WHERE state = 'requested';

UPDATE payout SET quote_id = gen_random_uuid() WHERE state = 'requested';

ALTER TABLE payout DROP CONSTRAINT payout_quote_id_key;
UPDATE payout SET quote_id = (SELECT id FROM quote LIMIT 1);

--: nothing sleeps for ever: every open payout has a time at which it is worked, or a person's attention
UPDATE payout SET work_due_at = NULL WHERE state = 'requested';

UPDATE payout SET doubt_due_at = NULL WHERE state = 'submitting';

UPDATE payout SET ask_due_at = NULL WHERE state = 'in_doubt';

--: nothing works on a payout that has ended
UPDATE payout SET ask_due_at = now() WHERE state = 'paid';

UPDATE payout SET work_due_at = now() WHERE state = 'declined';

UPDATE payout SET sim_check_due_at = now() WHERE state = 'cancelled';

--: every message of M-PESA's that was worked became evidence, once
INSERT INTO inbox (kind, payout_id, sha256, body, source, worked_at, verdict)
SELECT 'b2c_result', id, 'hash', '{}', '127.0.0.1', now(), 'success' FROM payout;

--: every ended payout has told its member, once, and no SMS says what is not so
DELETE FROM message WHERE kind = 'sent';

DELETE FROM message WHERE kind = 'declined';

DELETE FROM message WHERE kind = 'cancelled';

UPDATE message SET kind = 'sent' WHERE kind = 'failed';

UPDATE message SET payout_id = (SELECT id FROM payout WHERE state = 'in_doubt')
 WHERE payout_id = (SELECT id FROM payout WHERE state = 'paid');

--: an SMS about a payout names it and goes to its member's number
UPDATE message SET body = 'Confirmed.' WHERE kind = 'sent';

UPDATE message SET msisdn = '+254700000000' WHERE kind = 'sent';

--: every SMS either waits for its time or is done with
UPDATE message SET due_at = NULL;

UPDATE message SET state = 'accepted', due_at = NULL;

--: the guards of payouts and their history are switched on
ALTER TABLE payout DISABLE TRIGGER payout_guard;

DROP TRIGGER payout_event_kept ON payout_event;

--: the record of audits is guarded
ALTER TABLE audit_run DISABLE TRIGGER audit_run_kept;

DROP TRIGGER audit_run_remembered ON audit_run;

--: the guards of prices and limits are switched on
ALTER TABLE withdrawal_limit DISABLE TRIGGER withdrawal_limit_kept;

DROP TRIGGER tariff_band_guard ON tariff_band;

ALTER TABLE approval DISABLE TRIGGER approval_guard;

--: limits and fees that two people set are what their request says
INSERT INTO approval (kind, subject, detail, seen, reason, maker_id, expires_at, outcome, checker_id, decided_at)
SELECT 'set_tariff', '2026-01-01', '{"bands": [[100, 200, 5]]}', '{}', 'x', min(id), now(), 'executed', max(id), now() FROM staff;

WITH asked AS (
    INSERT INTO approval (kind, subject, detail, seen, reason, maker_id, expires_at, outcome, checker_id, decided_at)
    SELECT 'set_limits', l.effective_from, jsonb_build_object('limits', to_jsonb(l) || '{"maximum_cents": 1}'), '{}', 'x', s.low,
           now(), 'executed', s.high, l.made_at
      FROM withdrawal_limit l, (SELECT min(id) AS low, max(id) AS high FROM staff) s
    RETURNING id)
UPDATE withdrawal_limit SET approval_id = asked.id FROM asked;

UPDATE tariff SET approval_id = 999;

--: what came from the SACCO's own books is a line of a batch that two people agreed on
UPDATE ledger.journal_entry SET kind = 'deposit' WHERE kind = 'opening';

--: the guards of batches from the SACCO's own books are switched on
ALTER TABLE posting_batch DISABLE TRIGGER posting_batch_guard;

DROP TRIGGER posting_batch_line_kept ON posting_batch_line;

--: the guards of statements, differences and closed days are switched on
ALTER TABLE day_close DISABLE TRIGGER day_close_kept;

DROP TRIGGER statement_line_kept ON statement_line;

--: the record of what people did holds what it held when it was sealed
UPDATE staff_action SET detail = '{"reason": "another"}' WHERE id = (SELECT min(id) FROM staff_action);

DELETE FROM staff_action WHERE id = (SELECT min(id) FROM staff_action);

UPDATE staff_action_block SET hash = sha256('other') WHERE block_no = 1;

--: the seals of that record follow each other without a gap
UPDATE staff_action_block SET from_id = from_id - 1;

UPDATE staff_action_block SET block_no = 2;

--: the guards of that record are switched on
ALTER TABLE staff_action DISABLE TRIGGER staff_action_kept;

DROP TRIGGER staff_action_block_kept ON staff_action_block;
