"""What a superuser can still do, and that it shows; and what a raw statement does rightly."""

import pytest

from tests.hostile.conftest import Attacker

RAW_HEADER = (
    "INSERT INTO ledger.journal_entry (id, posted_on, kind, effective_on, posted_at, xact_id,"
    " reference, lines, fingerprint)"
    " VALUES (:fresh, :day, 'opening', :day, '2001-01-01', 1, 'by hand', 2, sha256(''))"
)
RAW_LINES = (
    "INSERT INTO ledger.posting (entry_id, posted_on, account_id, cents, account_version,"
    " balance_cents) VALUES (:fresh, :day, :member, -500, 1, 999),"
    " (:fresh, :day, :system, 500, 1, 999)"
)


def faults(attacker: Attacker) -> set[str]:
    return {row[0] for row in attacker.run("SELECT rule FROM ledger.faults()")}


def test_a_raw_entry_moves_the_balance(attacker: Attacker) -> None:
    """A balanced entry typed into psql is posted like any other; forged columns do not stay."""
    attacker.run(RAW_HEADER)
    attacker.run(RAW_LINES)
    line = attacker.run(
        "SELECT account_version, balance_cents FROM ledger.posting"
        " WHERE entry_id = :fresh ORDER BY account_id"
    )
    assert [(3, 4_897_855), (None, None)] == line
    header = attacker.run(
        "SELECT posted_at > now() - interval '1 hour', xact_id = ledger.current_xact()"
        " FROM ledger.journal_entry WHERE id = :fresh"
    )
    assert [(True, True)] == header


def test_a_false_fingerprint_is_found(attacker: Attacker) -> None:
    """An entry by hand whose fingerprint says something else is named by the verifier."""
    attacker.run(RAW_HEADER)
    attacker.run(RAW_LINES)
    expected = "an entry nets to zero, has all its lines and means what its fingerprint says"
    assert {expected} == faults(attacker)


@pytest.mark.parametrize("table", ["posting", "journal_entry"])
def test_an_edit_with_guards_off_breaks_the_chain(attacker: Attacker, table: str) -> None:
    """Whoever switches a trigger off can edit, and the block that held the entry tells."""
    attacker.run(f"ALTER TABLE ledger.{table} DISABLE TRIGGER kept")
    attacker.run(f"ALTER TABLE ledger.{table}_{attacker.month} DISABLE TRIGGER kept")
    edits = {
        "posting": "UPDATE ledger.posting SET cents = cents * 2 WHERE entry_id = :old",
        "journal_entry": "UPDATE ledger.journal_entry SET effective_on = '2001-01-01'"
        " WHERE id = :old",
    }
    attacker.run(edits[table])
    found = faults(attacker)
    assert "a block holds what it held when it was sealed" in found
    assert "every table of the books is guarded" in found


def test_a_removed_entry_breaks_the_chain(attacker: Attacker) -> None:
    """An entry that vanishes with its lines is missed by its block, by balances and by sums."""
    for table in ("posting", "journal_entry"):
        attacker.run(f"ALTER TABLE ledger.{table} DISABLE TRIGGER USER")
        attacker.run(f"ALTER TABLE ledger.{table}_{attacker.month} DISABLE TRIGGER USER")
    attacker.run("DELETE FROM ledger.posting WHERE entry_id = :old")
    attacker.run("DELETE FROM ledger.journal_entry WHERE id = :old")
    expected = {
        "a block holds what it held when it was sealed",
        "a balance is the sum of its postings, which count from 1 without a gap",
        "the sums by general ledger account are those of the postings",
        "the sums by system account are those of the postings",
        "every table of the books is guarded",
    }
    assert expected == faults(attacker)


def test_a_written_balance_is_found(attacker: Attacker) -> None:
    """A balance and a hold that were changed with the guard off do not match any more."""
    attacker.run("ALTER TABLE ledger.account_balance DISABLE TRIGGER kept_by_postings")
    attacker.run(
        "UPDATE ledger.account_balance SET credit_cents = credit_cents + 1, held_cents = 1"
        " WHERE account_id = :member"
    )
    attacker.run("ALTER TABLE ledger.account_balance ENABLE ALWAYS TRIGGER kept_by_postings")
    expected = {
        "a balance is the sum of its postings, which count from 1 without a gap",
        "what is held is the sum of the live liens",
    }
    assert expected == faults(attacker)


def test_a_balance_below_its_minimum_is_found(attacker: Attacker) -> None:
    """With the overdraft rule dropped an overdraft goes through, and the verifier names it."""
    attacker.run("ALTER TABLE ledger.account_balance DROP CONSTRAINT account_balance_no_overdraft")
    attacker.run("SELECT ledger.place_lien(:member, 4897356, 'more than there is')")
    assert {"no balance is below its minimum"} == faults(attacker)


def test_a_line_without_header_is_found(attacker: Attacker) -> None:
    """Lines that came in past the guards belong to no entry."""
    attacker.run("ALTER TABLE ledger.posting DISABLE TRIGGER USER")
    attacker.run(f"ALTER TABLE ledger.posting_{attacker.month} DISABLE TRIGGER USER")
    attacker.run(
        "INSERT INTO ledger.posting (entry_id, posted_on, account_id, cents)"
        " VALUES (:fresh, :day, :system, 500)"
    )
    assert "a posting belongs to an entry" in faults(attacker)


def test_changes_to_the_structure_are_recorded(attacker: Attacker) -> None:
    """Switching a guard off and dropping a month leave a record of who and what."""
    attacker.run("ALTER TABLE ledger.posting DISABLE TRIGGER kept")
    attacker.run(f"DROP TABLE ledger.posting_{attacker.month}")
    rows = attacker.run("SELECT command, object, login = session_user FROM ledger.structure_change")
    assert ("ALTER TABLE", "ledger.posting", True) in rows
    assert ("DROP TABLE", f"ledger.posting_{attacker.month}", True) in rows


def test_names_of_ones_own_do_not_capture_the_functions(attacker: Attacker) -> None:
    """Temporary tables and a search path of the caller's do not reach into the ledger."""
    attacker.run("SET SESSION AUTHORIZATION baraza_app")
    attacker.run("CREATE TEMP TABLE account_balance (account_id bigint)")
    attacker.run("CREATE TEMP TABLE posting (entry_id uuid)")
    attacker.run("SET search_path = pg_temp, pg_catalog, ledger")
    posted = attacker.run(
        "SELECT ledger.post_entry(:fresh, 'opening', :day, 'r',"
        " ARRAY[:member, :system]::bigint[], ARRAY[-500, 500])"
    )
    assert [("posted",)] == posted
    assert [] == attacker.run("SELECT * FROM pg_temp.posting")


def test_every_partition_has_every_guard(attacker: Attacker) -> None:
    """Each trigger of a parent is on each of its partitions, and not even replicas skip it."""
    triggers = {
        (relation, name)
        for relation, name in attacker.run(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger"
            " WHERE NOT tgisinternal AND tgenabled = 'A'"
        )
    }
    guards = {
        "ledger.posting": {"balance", "kept", "kept_whole", "whole_entries"},
        "ledger.journal_entry": {"stamp", "kept", "kept_whole", "payout_end_is_moved"},
    }
    partitions = attacker.run(
        "SELECT inhparent::regclass::text, inhrelid::regclass::text FROM pg_inherits"
        " JOIN pg_class c ON c.oid = inhrelid WHERE c.relkind = 'r'"
        " AND c.relnamespace = 'ledger'::regnamespace"
    )
    assert 10 == len(partitions)
    wanted = {(part, guard) for parent, part in partitions for guard in guards[parent]}
    wanted |= {(parent, guard) for parent, names in guards.items() for guard in names}
    assert set() == wanted - triggers


def test_no_guard_is_an_ordinary_trigger(attacker: Attacker) -> None:
    """Every trigger in the ledger's schema fires always."""
    ordinary = attacker.run(
        "SELECT tgrelid::regclass::text, tgname"
        " FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid"
        " WHERE c.relnamespace = 'ledger'::regnamespace AND NOT tgisinternal AND tgenabled <> 'A'"
    )
    assert [] == ordinary


def test_the_public_has_nothing(attacker: Attacker) -> None:
    """A login without the application's role can neither see nor call anything of the books."""
    callable_by_all = attacker.run(
        "SELECT p.oid::regprocedure::text FROM pg_proc p"
        " CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a"
        " WHERE p.pronamespace = 'ledger'::regnamespace AND a.grantee = 0"
    )
    assert [] == callable_by_all
    writable = attacker.run(
        "SELECT c.relname, a.privilege_type FROM pg_class c"
        " CROSS JOIN LATERAL aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee"
        " WHERE c.relnamespace = 'ledger'::regnamespace AND r.rolname <> 'baraza_ledger'"
        " AND a.privilege_type <> 'SELECT'"
    )
    assert [] == writable


def test_functions_of_the_owner_pin_their_names(attacker: Attacker) -> None:
    """Every SECURITY DEFINER function fixes its search path, with temporary names last."""
    loose = attacker.run(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'ledger'::regnamespace AND prosecdef"
        " AND NOT coalesce(proconfig @> ARRAY['search_path=pg_catalog, ledger, pg_temp'], false)"
    )
    assert [] == loose
