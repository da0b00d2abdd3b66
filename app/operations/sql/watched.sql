-- What the rules are asked about when they are asked about what is new: payouts of which anything is new, and
-- whatever else ties another payout to one of these.
WITH watched AS MATERIALIZED (
    SELECT payout_id AS id FROM payout_event WHERE at >= :since
    UNION SELECT payout_id FROM evidence WHERE at >= :since
    UNION SELECT payout_id FROM attempt WHERE committed_at >= :since
    UNION SELECT payout_id FROM message WHERE queued_at >= :since AND payout_id IS NOT NULL
    UNION SELECT id FROM payout WHERE requested_at >= :since
    UNION SELECT p.id FROM payout p JOIN ledger.journal_entry e ON e.reference = p.reference
           WHERE e.xact_id >= :from_xact
), these AS MATERIALIZED (
    SELECT p.id, p.quote_id, p.receipt FROM payout p WHERE p.id = ANY (ARRAY(SELECT id FROM watched))
)
SELECT ARRAY(SELECT id FROM these) AS payouts,
       ARRAY(SELECT quote_id FROM these) AS quotes,
       ARRAY(SELECT receipt FROM these WHERE receipt IS NOT NULL
             UNION SELECT receipt FROM evidence
                    WHERE payout_id = ANY (ARRAY(SELECT id FROM these)) AND receipt IS NOT NULL) AS receipts,
       ARRAY(SELECT DISTINCT conversation_id FROM attempt
              WHERE payout_id = ANY (ARRAY(SELECT id FROM these)) AND conversation_id IS NOT NULL) AS conversations
