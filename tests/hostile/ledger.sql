-- Attacks on the books. Each runs in a database transaction of its own, as the superuser unless a
-- role is named, and must be refused by the rule that is named: a constraint or an SQLSTATE.
-- (Where parent and partition refuse by different rules, both are named.)
--
-- :old is an entry of the books (member account :member to payouts in transit), :fresh and :fresh2
-- are ids that nobody used yet. Attacks on {posting} and {journal_entry} run twice: on the parent
-- and on this month's partition. Every attack of the superuser runs once more with
-- session_replication_role = replica, which switches ordinary triggers off.

---- refused by append_only: raise a line of an old entry
UPDATE {posting} SET cents = cents * 10 WHERE entry_id = :old;

---- refused by append_only: move an old line to another member
UPDATE {posting} SET account_id = :other WHERE entry_id = :old AND account_id = :member;

---- refused by append_only: take an old entry's lines out
DELETE FROM {posting} WHERE entry_id = :old;

---- refused by append_only: take an old header out
DELETE FROM {journal_entry} WHERE id = :old;

---- refused by append_only: give an old entry another day
UPDATE {journal_entry} SET effective_on = effective_on - 1 WHERE id = :old;

---- refused by append_only: hide an old entry from the sealer
UPDATE {journal_entry} SET xact_id = 1 WHERE id = :old;

---- refused by append_only: empty the lines
TRUNCATE {posting};

---- refused by append_only: empty the headers
TRUNCATE {journal_entry};

---- refused by append_only: overwrite through an upsert
INSERT INTO {posting} (entry_id, posted_on, account_id, cents)
VALUES (:old, :day, :system, 1) ON CONFLICT (entry_id, account_id, posted_on) DO UPDATE SET cents = 1;

---- refused by append_only: overwrite a header through an upsert
INSERT INTO {journal_entry} (id, posted_on, kind, effective_on, reference, lines, fingerprint)
VALUES (:old, :day, 'settle', :day, 'forged', 2, sha256(''))
ON CONFLICT (id, posted_on) DO UPDATE SET kind = 'settle';

---- refused by entry_nets_to_zero: unbalanced lines under a proper header
INSERT INTO {journal_entry} (id, posted_on, kind, effective_on, reference, lines, fingerprint)
VALUES (:fresh, :day, 'opening', :day, 'forged', 2, sha256(''));
INSERT INTO {posting} (entry_id, posted_on, account_id, cents)
VALUES (:fresh, :day, :member, -500), (:fresh, :day, :system, 499);

---- refused by entry_nets_to_zero: two entries that balance only together
INSERT INTO {journal_entry} (id, posted_on, kind, effective_on, reference, lines, fingerprint)
VALUES (:fresh, :day, 'opening', :day, 'forged', 2, sha256('')),
       (:fresh2, :day, 'opening', :day, 'forged', 2, sha256(''));
INSERT INTO {posting} (entry_id, posted_on, account_id, cents)
VALUES (:fresh, :day, :member, -500), (:fresh, :day, :system, 400),
       (:fresh2, :day, :member, -400), (:fresh2, :day, :system, 500);

---- refused by entry_is_of_this_transaction: member lines without a header
INSERT INTO {posting} (entry_id, posted_on, account_id, cents)
VALUES (:fresh, :day, :member, -500), (:fresh, :day, :system, 500);

---- refused by entry_is_of_this_transaction: system lines without a header
INSERT INTO {posting} (entry_id, posted_on, account_id, cents)
VALUES (:fresh, :day, 9000000004010, -500), (:fresh, :day, 9000000001010, 500);

---- refused by entry_is_of_this_transaction: balanced member lines added to an old entry
INSERT INTO {posting} (entry_id, posted_on, account_id, cents)
VALUES (:old, :day, :other, -500), (:old, :day, 9000000001010, 500);

---- refused by entry_is_of_this_transaction: balanced system lines added to an old entry
INSERT INTO {posting} (entry_id, posted_on, account_id, cents)
VALUES (:old, :day, 9000000004010, -500), (:old, :day, 9000000001010, 500);

---- refused by entry_is_of_this_transaction: move a balance by a line that is then dropped
INSERT INTO {posting} (entry_id, posted_on, account_id, cents)
VALUES (:old, :day, :member, -500) ON CONFLICT DO NOTHING;

---- refused by one_line_per_account: the same within one transaction
INSERT INTO {journal_entry} (id, posted_on, kind, effective_on, reference, lines, fingerprint)
VALUES (:fresh, :day, 'opening', :day, 'forged', 2, sha256(''));
INSERT INTO {posting} (entry_id, posted_on, account_id, cents)
VALUES (:fresh, :day, :member, -500), (:fresh, :day, :system, 500);
INSERT INTO {posting} (entry_id, posted_on, account_id, cents)
VALUES (:fresh, :day, :member, -500) ON CONFLICT DO NOTHING;

---- refused by one_line_per_account: the same within one statement
INSERT INTO {journal_entry} (id, posted_on, kind, effective_on, reference, lines, fingerprint)
VALUES (:fresh, :day, 'opening', :day, 'forged', 2, sha256(''));
INSERT INTO {posting} (entry_id, posted_on, account_id, cents)
VALUES (:fresh, :day, :member, -500), (:fresh, :day, :member, -500), (:fresh, :day, :system, 500)
ON CONFLICT DO NOTHING;

---- refused by entry_is_whole: balanced lines that come late, in the entry's own transaction
INSERT INTO {journal_entry} (id, posted_on, kind, effective_on, reference, lines, fingerprint)
VALUES (:fresh, :day, 'opening', :day, 'forged', 2, sha256(''));
INSERT INTO {posting} (entry_id, posted_on, account_id, cents)
VALUES (:fresh, :day, :member, -500), (:fresh, :day, :system, 500);
INSERT INTO {posting} (entry_id, posted_on, account_id, cents)
VALUES (:fresh, :day, :other, -500), (:fresh, :day, 9000000001010, 300), (:fresh, :day, 9000000004010, 200);

---- refused by entry_is_whole: fewer lines than the header says
INSERT INTO {journal_entry} (id, posted_on, kind, effective_on, reference, lines, fingerprint)
VALUES (:fresh, :day, 'opening', :day, 'forged', 3, sha256(''));
INSERT INTO {posting} (entry_id, posted_on, account_id, cents)
VALUES (:fresh, :day, :member, -500), (:fresh, :day, :system, 500);

---- refused by entry_is_whole: more lines than the header says
INSERT INTO {journal_entry} (id, posted_on, kind, effective_on, reference, lines, fingerprint)
VALUES (:fresh, :day, 'opening', :day, 'forged', 2, sha256(''));
INSERT INTO {posting} (entry_id, posted_on, account_id, cents)
SELECT :fresh, :day, account, cents
  FROM (VALUES (:member, -500), (:other, -500), (:system, 1000)) AS v(account, cents);

---- refused by 23514: a header that promises a single line
INSERT INTO {journal_entry} (id, posted_on, kind, effective_on, reference, lines, fingerprint)
VALUES (:fresh, :day, 'opening', :day, 'forged', 1, sha256(''));

---- refused by 23514 or 0A000: an entry filed under another month than its id's
INSERT INTO {journal_entry} (id, posted_on, kind, effective_on, reference, lines, fingerprint)
VALUES (:fresh, :day::date + 40, 'opening', :day, 'forged', 2, sha256(''));

---- refused by 23514: an entry filed under another day than its id's
INSERT INTO {journal_entry} (id, posted_on, kind, effective_on, reference, lines, fingerprint)
VALUES (:fresh, CASE WHEN extract(day FROM :day::date) = 1 THEN :day::date + 1 ELSE :day::date - 1 END,
        'opening', :day, 'forged', 2, sha256(''));

---- refused by journal_entry_id_version_7: an id that holds no date
INSERT INTO ledger.journal_entry (id, posted_on, kind, effective_on, reference, lines, fingerprint)
VALUES (overlay(:fresh::text PLACING '4' FROM 15)::uuid, :day, 'opening', :day, 'forged', 2, sha256(''));

---- refused by entry_id_not_ahead: an id from the future
INSERT INTO ledger.journal_entry (id, posted_on, kind, effective_on, reference, lines, fingerprint)
SELECT id, ledger.id_date(id), 'opening', :day, 'forged', 2, sha256('')
  FROM (SELECT (lpad(to_hex((extract(epoch FROM now() + interval '2 days') * 1000)::bigint), 12, '0')
               || '70008000000000000001')::uuid AS id) AS tomorrow;

---- refused by account_balance_no_overdraft: more than the member has
INSERT INTO {journal_entry} (id, posted_on, kind, effective_on, reference, lines, fingerprint)
VALUES (:fresh, :day, 'reserve', :day, 'forged', 2, sha256(''));
INSERT INTO {posting} (entry_id, posted_on, account_id, cents)
VALUES (:fresh, :day, :member, 4897356), (:fresh, :day, :system, -4897356);

---- refused by account_known: a member account that nobody opened
INSERT INTO {journal_entry} (id, posted_on, kind, effective_on, reference, lines, fingerprint)
VALUES (:fresh, :day, 'opening', :day, 'forged', 2, sha256(''));
INSERT INTO {posting} (entry_id, posted_on, account_id, cents)
VALUES (:fresh, :day, 777777, -500), (:fresh, :day, :system, 500);

---- refused by account_known: a system account that is not in the chart
INSERT INTO {journal_entry} (id, posted_on, kind, effective_on, reference, lines, fingerprint)
VALUES (:fresh, :day, 'opening', :day, 'forged', 2, sha256(''));
INSERT INTO {posting} (entry_id, posted_on, account_id, cents)
VALUES (:fresh, :day, :member, -500), (:fresh, :day, 9000000009999, 500);

---- refused by period_open: a day that is closed
INSERT INTO ledger.accounting_period (closed_through) VALUES (:day);
INSERT INTO {journal_entry} (id, posted_on, kind, effective_on, reference, lines, fingerprint)
VALUES (:fresh, :day, 'opening', :day, 'forged', 2, sha256(''));
INSERT INTO {posting} (entry_id, posted_on, account_id, cents)
VALUES (:fresh, :day, :member, -500), (:fresh, :day, :system, 500);

---- refused by reversed_entry_known: a reversal of nothing
SELECT ledger.post_entry(:fresh, 'compensate', :day, 'forged', ARRAY[:member, :system]::bigint[],
                         ARRAY[-500, 500], :fresh2);

---- refused by entry_means_the_same: an old id with other contents
SELECT ledger.post_entry(:old, 'reserve', :day, 'forged', ARRAY[:member, :system]::bigint[], ARRAY[102645, -102645]);

---- refused by append_only: write a balance
UPDATE ledger.account_balance SET credit_cents = credit_cents + 100 WHERE account_id = :member;

---- refused by append_only: lift a hold without its lien
UPDATE ledger.account_balance SET held_cents = 0 WHERE account_id = :other;

---- refused by append_only: turn an account's count back
UPDATE ledger.account_balance SET version = version - 1 WHERE account_id = :member;

---- refused by append_only: a balance row out of nothing
INSERT INTO ledger.account_balance (account_id, credit_cents) VALUES (777777, 100);

---- refused by append_only: take a balance out
DELETE FROM ledger.account_balance WHERE account_id = :member;

---- refused by append_only: empty the balances
TRUNCATE ledger.account_balance CASCADE;

---- refused by account_balance_closed_is_empty: close an account with money on it
UPDATE ledger.account_balance SET is_closed = true WHERE account_id = :member;

---- refused by account_balance_no_overdraft: a minimum above what is there
UPDATE ledger.account_balance SET min_cents = 4897356 WHERE account_id = :member;

---- refused by append_only: give an account another place in the chart
UPDATE ledger.account SET gl_code = 4010 WHERE id = :member;

---- refused by append_only: take an account out
DELETE FROM ledger.account WHERE id = :member;

---- refused by append_only: make savings an expense
UPDATE ledger.gl_account SET class = 'expense' WHERE code = 2010;

---- refused by append_only: take a code out of the chart
DELETE FROM ledger.gl_account WHERE code = 5020;

---- refused by account_balance_no_overdraft: hold more than the member has
SELECT ledger.place_lien(:member, 4897356, 'forged');

---- refused by append_only: lower a lien
UPDATE ledger.lien SET cents = 1;

---- refused by append_only: place a released lien again
UPDATE ledger.lien SET released_at = now();
UPDATE ledger.lien SET released_at = NULL;

---- refused by append_only: release a lien twice
UPDATE ledger.lien SET released_at = now();
UPDATE ledger.lien SET released_at = now() + interval '1 day';

---- refused by append_only: take a lien out
DELETE FROM ledger.lien;

---- refused by append_only: edit a sealed block
UPDATE ledger.journal_block SET hash = sha256('');

---- refused by append_only: take the last block out
DELETE FROM ledger.journal_block;

---- refused by append_only: empty the chain
TRUNCATE ledger.journal_block;

---- refused by block_is_committed: seal past what is committed
INSERT INTO ledger.journal_block (to_xact) VALUES (9000000000000000);

---- refused by 23514: an empty block
INSERT INTO ledger.journal_block (to_xact) SELECT ledger.sealed_to() + 1;

---- refused by append_only: edit a sealed sum
UPDATE ledger.gl_daily SET debit_cents = 0;

---- refused by append_only: add a sum
INSERT INTO ledger.gl_daily VALUES (4010, :day::date - 700, 1, 0);

---- refused by append_only: take sums out
DELETE FROM ledger.gl_daily;

---- refused by append_only: edit a system balance
UPDATE ledger.system_balance SET credit_cents = 0;

---- refused by append_only: add a system balance
INSERT INTO ledger.system_balance VALUES (9000000005020, 1, 0);

---- refused by append_only: open a closed period
INSERT INTO ledger.accounting_period (closed_through) VALUES (:day);
DELETE FROM ledger.accounting_period;

---- refused by append_only: turn the epoch back
UPDATE ledger.epoch SET xid_base = 0;

---- refused by append_only: wipe the record of changes to the structure
CREATE TABLE ledger.of_mine ();
DELETE FROM ledger.structure_change;

---- baraza_app refused by 42501: write a line
INSERT INTO {posting} (entry_id, posted_on, account_id, cents) VALUES (:fresh, :day, :member, -500);

---- baraza_app refused by 42501: write a header
INSERT INTO {journal_entry} (id, posted_on, kind, effective_on, reference, lines, fingerprint)
VALUES (:fresh, :day, 'opening', :day, 'forged', 2, sha256(''));

---- baraza_app refused by 42501: change a line
UPDATE {posting} SET cents = 1;

---- baraza_app refused by 42501: take lines out
DELETE FROM {posting};

---- baraza_app refused by 42501: empty the lines
TRUNCATE {posting};

---- baraza_app refused by 42501: change a header
UPDATE {journal_entry} SET reference = 'forged';

---- baraza_app refused by 42501: write a balance
UPDATE ledger.account_balance SET credit_cents = credit_cents + 100;

---- baraza_app refused by 42501: open an account past the function
INSERT INTO ledger.account (gl_code) VALUES (2010);

---- baraza_app refused by 42501: change the chart
INSERT INTO ledger.gl_account VALUES (9999, 'mine', 'income');

---- baraza_app refused by 42501: write a lien
INSERT INTO ledger.lien (account_id, cents, reason) VALUES (:member, 1, 'forged');

---- baraza_app refused by 42501: write a block
INSERT INTO ledger.journal_block (to_xact) VALUES (1);

---- baraza_app refused by 42501: write a sum
INSERT INTO ledger.gl_daily VALUES (4010, :day, 1, 0);

---- baraza_app refused by 42501: close a period
SELECT ledger.close_period(:day);

---- baraza_app refused by 42501: close a period by hand
INSERT INTO ledger.accounting_period (closed_through) VALUES (:day);

---- baraza_app refused by 42501: make a month of one's own choice
SELECT ledger.ensure_month('2099-01-01');

---- baraza_app refused by 42501: switch a guard off
ALTER TABLE ledger.posting DISABLE TRIGGER balance;

---- baraza_app refused by 42501: take the guards' effect away
SET session_replication_role = replica;

---- baraza_app refused by 42501: become the owner
SET ROLE baraza_ledger;

---- baraza_app refused by 42501: put a function among the books
CREATE FUNCTION ledger.id_date(text) RETURNS date LANGUAGE sql RETURN current_date;

---- baraza_app refused by 42501: drop a month
DROP TABLE ledger.posting;

---- baraza_app refused by entry_nets_to_zero: post an unbalanced entry through the function
SELECT ledger.post_entry(:fresh, 'opening', :day, 'forged', ARRAY[:member, :system]::bigint[], ARRAY[-500, 499]);

---- baraza_app refused by account_balance_no_overdraft: overdraw through the function
SELECT ledger.post_entry(:fresh, 'reserve', :day, 'forged', ARRAY[:member, :system]::bigint[], ARRAY[4897356, -4897356]);

---- baraza_app refused by 23514: post an entry of one line
SELECT ledger.post_entry(:fresh, 'opening', :day, 'forged', ARRAY[:member]::bigint[], ARRAY[-500]);

---- baraza_app refused by entry_is_of_this_transaction: smuggle lines of an old entry into a batch
SELECT ledger.post_entries(ARRAY[:fresh]::uuid[], ARRAY['opening'], ARRAY[:day]::date[], ARRAY['forged'],
                           ARRAY[NULL]::uuid[], ARRAY[:fresh, :fresh, :old, :old]::uuid[],
                           ARRAY[:member, :system, :other, 9000000001010], ARRAY[-500, 500, -500, 500]);

---- baraza_app refused by entry_means_the_same: one id with two meanings in one batch
SELECT ledger.post_entries(ARRAY[:fresh, :fresh]::uuid[], ARRAY['opening', 'reserve'], ARRAY[:day, :day]::date[],
                           ARRAY['forged', 'forged'], ARRAY[NULL, NULL]::uuid[], ARRAY[:fresh, :fresh]::uuid[],
                           ARRAY[:member, :system], ARRAY[-500, 500]);

---- baraza_app refused by BZ105: lines without their entry
SELECT ledger.post_entries('{}', '{}', '{}', '{}', '{}', ARRAY[:fresh, :fresh]::uuid[],
                           ARRAY[:member, :system], ARRAY[-500, 500]);

---- baraza_reader refused by 42501: post an entry
SELECT ledger.post_entry(:fresh, 'opening', :day, 'forged', ARRAY[:member, :system]::bigint[], ARRAY[-500, 500]);

---- baraza_reader refused by 42501: lock the members' balances
SELECT * FROM ledger.lock_available(ARRAY[:member]);
