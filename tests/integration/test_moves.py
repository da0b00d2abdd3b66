"""The database's own guard of payouts: which moves, which columns, which log, for whom."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product

import pytest
import sqlalchemy as sa

from app.db import APPLICATION_ROLE, Database, Tx, constraint_of, sqlstate_of
from app.ledger import entries, posting
from app.payouts import claims
from app.payouts.claims import Payout
from app.payouts.states import MOVES, Needs, State
from tests.support import databases
from tests.support.databases import Logins
from tests.support.http_script import closed_port
from tests.support.stories import Stories

PERMISSION_DENIED = "42501"
GUARDS_OFF = "SET LOCAL session_replication_role = replica"
"""What only the owner can do. Tests plant by it what no code can bring about."""

PROOFS = (
    ("status", "doubt", Needs.NOTHING),
    ("status", "success", Needs.SUCCESS),
    ("status", "definite_no", Needs.REFUSAL),
    ("person", "taken_back", Needs.TAKEN_BACK),
    ("person", "made_good", Needs.MADE_GOOD),
    ("person", "given_up", Needs.GIVEN_UP),
    ("statement", "taken_back", Needs.NOTHING),
    ("status", "made_good", Needs.NOTHING),
)
"""The evidence that a move is tried with, and the need that it meets. What only people may decide
is no proof if anybody else says it."""
IMMUTABLE = {
    "id": "gen_random_uuid()",
    "reference": "'BRZ2222222'",
    "quote_id": "gen_random_uuid()",
    "member_id": "member_id + 1",
    "account_id": "account_id + 1",
    "msisdn": "'+254712999999'",
    "amount_cents": "amount_cents + 100",
    "fee_cents": "0",
    "duty_cents": "duty_cents + 1",
    "reserve_id": "gen_random_uuid()",
    "resolve_id": "gen_random_uuid()",
    "requested_at": "requested_at - interval '1 day'",
}


@pytest.fixture
def stories(db: Database, redis_url: str) -> Stories:
    return Stories(db, redis_url)


@dataclass(frozen=True)
class Standing:
    """A database with one payout that was sent. Whatever is tried on it must be refused."""

    app: Database
    owner: Database


@pytest.fixture(scope="module")
def standing(database_server: Logins, database_template: str) -> Iterator[Standing]:
    with databases.copy(database_server, database_template) as logins:
        app = Database(logins.application, name="tests")
        # Without Redis, which none of this needs.
        Stories(app, f"redis://127.0.0.1:{closed_port()}/0").submitted()
        owner = Database(logins.owner, role=None, name="tests")
        yield Standing(app, owner)
        app.close()
        owner.close()


def write(db: Database, statement: str) -> None:
    with db.transaction() as tx:
        tx.execute(sa.text(statement))


@contextmanager
def refused(constraint: str) -> Iterator[None]:
    """The block's statement is refused by this rule and by no other."""
    with pytest.raises(sa.exc.DBAPIError) as raised:
        yield
    assert constraint == constraint_of(raised.value)


@contextmanager
def denied() -> Iterator[None]:
    """The block's statement is beyond the role's rights."""
    with pytest.raises(sa.exc.ProgrammingError) as raised:
        yield
    assert PERMISSION_DENIED == sqlstate_of(raised.value)


def said(tx: Tx, reference: str, of: str, source: str = "status") -> int:
    """A piece of evidence about this payout."""
    found = tx.scalar(
        sa.text(
            "INSERT INTO evidence (payout_id, source, class)"
            " SELECT id, :source, :of FROM payout WHERE reference = :reference RETURNING id"
        ),
        {"source": source, "of": of, "reference": reference},
    )
    assert isinstance(found, int)
    return found


def move(tx: Tx, reference: str, to: str, evidence: int | None) -> None:
    tx.execute(
        sa.text(
            "UPDATE payout SET state = :to, cause = 'tried', evidence_id = :evidence,"
            " receipt = left(reference, 9) WHERE reference = :reference"
        ),
        {"to": to, "evidence": evidence, "reference": reference},
    )


def is_taken(tx: Tx, reference: str, to: State, evidence: int) -> bool:
    """Whether the database lets this move happen; it is taken back either way."""
    attempt = tx.begin_nested()
    try:
        move(tx, reference, to, evidence)
    except sa.exc.DBAPIError as error:
        assert "payout_move_allowed" == constraint_of(error)  # noqa: PT017 - any other is a fault
        return False
    else:
        return True
    finally:
        attempt.rollback()


@contextmanager
def taken_back(tx: Tx) -> Iterator[None]:
    """Everything in the block is undone: what people say without two of them never commits."""
    trial = tx.begin_nested()
    yield
    trial.rollback()


def plant(owner: Tx, reference: str, state: State, *, called: bool) -> None:
    """Put a payout into a state that no move may lead to."""
    owner.execute(sa.text(GUARDS_OFF))
    made_up = {"state": state, "reference": reference, "evidence": said(owner, reference, "doubt")}
    owner.execute(
        sa.text(
            "UPDATE payout SET state = :state, evidence_id = :evidence,"
            " receipt = left(reference, 9) WHERE reference = :reference"
        ),
        made_up,
    )
    if called:
        owner.execute(
            sa.text(
                "INSERT INTO attempt (payout_id, n, body_hash)"
                " SELECT id, 1, 'body' FROM payout WHERE reference = :reference"
            ),
            made_up,
        )


def expected(source: State, target: State, proof: Needs, *, called: bool) -> bool:
    """What the table of moves says."""
    met = {Needs.NOTHING, proof} | (set() if called else {Needs.NEVER_SENT})
    return any((m.source, m.target) == (source, target) and m.needs in met for m in MOVES)


@pytest.mark.parametrize("role", [APPLICATION_ROLE, None])
def test_the_database_allows_exactly_the_table_of_moves(
    stories: Stories, owner_db: Database, role: str | None
) -> None:
    """Every state to every other, with every proof, called or not: for the owner too."""
    payouts = {key: stories.requested() for key in product(State, (False, True))}
    with owner_db.transaction() as owner:
        for (state, called), reference in payouts.items():
            plant(owner, reference, state, called=called)
    right, found = set(), set()
    with owner_db.transaction() as tx, taken_back(tx):
        if role:
            tx.execute(sa.text(f"SET LOCAL ROLE {role}"))
        for (source, called), reference in payouts.items():
            for who, of, proof in PROOFS:
                evidence = said(tx, reference, of, who)
                for target in set(State) - {source}:
                    tried = (source, target, who, of, called)
                    right |= {tried} if expected(source, target, proof, called=called) else set()
                    found |= {tried} if is_taken(tx, reference, target, evidence) else set()
    assert right == found
    assert {m.target for m in MOVES} == {target for _, target, *_ in found}


@pytest.mark.parametrize(
    ("target", "of"), [(State.PAID, "success"), (State.REVERSED, "definite_no")]
)
def test_evidence_of_another_payout_does_not_count(
    stories: Stories, owner_db: Database, target: State, of: str
) -> None:
    reference, other = stories.submitted(), stories.submitted()
    with owner_db.transaction() as tx:
        of_the_other = said(tx, other, of)
    with refused("payout_move_allowed"), owner_db.transaction() as tx:
        move(tx, reference, target, of_the_other)
    with refused("payout_move_allowed"), owner_db.transaction() as tx:
        move(tx, reference, target, None)
    with owner_db.transaction() as tx:
        move(tx, reference, target, said(tx, reference, of))
    assert target == stories.state(reference)


@pytest.mark.parametrize("column", IMMUTABLE)
def test_what_a_payout_is_for_never_changes(standing: Standing, column: str) -> None:
    """The application has no right to; the owner is refused, also together with a move."""
    change = f"UPDATE payout SET {column} = {IMMUTABLE[column]}"  # noqa: S608 - constants
    with denied():
        write(standing.app, change)
    for more in ("", ", state = 'in_doubt'"):
        with refused("payout_is_immutable"):
            write(standing.owner, change + more)


def test_the_version_is_the_databases_own(stories: Stories, owner_db: Database) -> None:
    """It counts moves and nothing else, whoever writes to it."""
    reference = stories.reserved()
    with denied():
        stories.write("UPDATE payout SET version = 9 WHERE reference = :reference", reference)
    with owner_db.transaction() as tx:
        tx.execute(sa.text("UPDATE payout SET version = 9"))
        assert 2 == tx.scalar(sa.text("SELECT version FROM payout"))
        tx.execute(sa.text("UPDATE payout SET version = 9, state = 'submitting'"))
        assert 3 == tx.scalar(sa.text("SELECT version FROM payout"))


@pytest.mark.parametrize("role", [APPLICATION_ROLE, None])
@pytest.mark.parametrize("kind", ["settle", "compensate"])
def test_no_money_leaves_transit_without_the_move_that_says_why(
    stories: Stories, owner_db: Database, role: str | None, kind: str
) -> None:
    """A payout's last entry, posted by itself, is undone at the commit: by us, and by the owner."""
    reference = stories.submitted()
    db = stories.db if role else owner_db
    with refused("payout_end_is_moved"), db.transaction() as tx:
        payout = claims.take_one(tx, reference)
        assert payout is not None
        posting.post_many(tx, [_last_entry(payout, kind)])
    with owner_db.transaction() as tx:
        assert tx.scalar(sa.text("SELECT sum(total_cents) FROM payout")) == -_in_transit(tx)


def test_the_guard_of_last_entries_is_on_the_months_to_come(owner_db: Database) -> None:
    """The ledger's owner makes partitions, and the guard is of another package."""
    with owner_db.transaction() as tx:
        tx.execute(sa.text("SET LOCAL ROLE baraza_ledger"))
        assert tx.scalar(sa.text("SELECT ledger.ensure_month('2031-05-01')"))
        guarded = sa.text(
            "SELECT count(*) FROM pg_trigger WHERE tgname = 'payout_end_is_moved'"
            " AND tgrelid = 'ledger.journal_entry_203105'::regclass"
        )
        assert tx.scalar(guarded) == 1


def _last_entry(payout: Payout, kind: str) -> entries.JournalEntry:
    today = datetime.now(UTC).date()
    if kind == "settle":
        return entries.settle(
            entry_id=payout.resolve_id,
            effective_on=today,
            reference=payout.reference,
            amount_cents=payout.amount_cents,
            fee_cents=payout.fee_cents,
            duty_cents=payout.duty_cents,
        )
    return entries.compensate(
        entry_id=payout.resolve_id,
        effective_on=today,
        reference=payout.reference,
        account=payout.account_id,
        total_cents=payout.total_cents,
        reverses=payout.reserve_id,
    )


def _in_transit(tx: Tx) -> int:
    query = "SELECT cents FROM ledger.system_account WHERE gl_code = 2020"
    return int(tx.scalar(sa.text(query)) or 0)


def test_a_frozen_payout_does_not_move(stories: Stories, owner_db: Database) -> None:
    """Not even by the statement that would thaw it, nor for the owner."""
    reference = stories.submitted()
    stories.told(reference, "callback", "contradiction")
    with owner_db.transaction() as tx:
        assert tx.scalar(sa.text("SELECT frozen FROM payout")) is True
        success = said(tx, reference, "success")
    for change in ("", ", frozen = false"):
        with refused("payout_frozen"), owner_db.transaction() as tx:
            tx.execute(
                sa.text(
                    f"UPDATE payout SET state = 'paid', receipt = 'S', evidence_id = :e{change}"  # noqa: S608
                ),
                {"e": success},
            )


@pytest.mark.parametrize(("state", "version"), [("paid", 1), ("reserved", 1), ("requested", 2)])
def test_a_payout_begins_at_the_beginning(
    stories: Stories, owner_db: Database, state: str, version: int
) -> None:
    """Nobody may write one down that is half-way through."""
    stories.declined()
    with refused("payout_begins_requested"), owner_db.transaction() as tx:
        tx.execute(
            sa.text(
                "INSERT INTO payout (id, reference, quote_id, member_id, account_id, msisdn,"
                " language, amount_cents, fee_cents, duty_cents, reserve_id, resolve_id, state,"
                " version) SELECT gen_random_uuid(), 'BRZ2222222', quote_id, member_id,"
                " account_id, msisdn, language, amount_cents, fee_cents, duty_cents,"
                " gen_random_uuid(), gen_random_uuid(), :state, :version FROM payout"
            ),
            {"state": state, "version": version},
        )


def test_every_move_is_in_the_event_log_with_its_version(stories: Stories) -> None:
    """From 1 without a gap, each beginning where the one before ended, up to the present."""
    references = stories.one_of_each()
    with stories.db.transaction() as tx:
        rows = tx.execute(
            sa.text(
                "SELECT p.reference, p.version AS last, e.version, e.from_state, e.to_state,"
                " e.cause, e.evidence_id FROM payout_event e JOIN payout p ON p.id = e.payout_id"
                " ORDER BY p.reference, e.version"
            )
        ).all()
    for state, reference in references.items():
        log = [row for row in rows if row.reference == reference]
        assert list(range(1, log[0].last + 1)) == [row.version for row in log]
        assert [None, *(row.to_state for row in log[:-1])] == [row.from_state for row in log]
        assert ("requested", state) == (log[0].to_state, log[-1].to_state)
    recovered = [row for row in rows if row.reference == references["recovery"]]
    assert [
        ("requested", "member confirmed"),
        ("reserved", "debited"),
        ("submitting", "call committed"),
        ("submitted", "acknowledged"),
        ("reversed", "M-PESA says no"),
        ("recovery", "paid after it was reversed"),
    ] == [(row.to_state, row.cause) for row in recovered]
    assert [False, False, False, True, True, True] == [
        row.evidence_id is not None for row in recovered
    ]


def test_a_change_that_is_no_move_leaves_no_event(stories: Stories) -> None:
    """Timers are not history."""
    reference = stories.submitted()
    count = sa.text("SELECT count(*) FROM payout_event")
    with stories.db.transaction() as tx:
        before = tx.scalar(count)
        tx.execute(sa.text("UPDATE payout SET ask_due_at = now(), state = 'submitted'"))
        assert before == tx.scalar(count)
    assert "submitted" == stories.state(reference)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO payout_event SELECT id, 99, '', 'paid', 'a lie' FROM payout",
        "UPDATE payout_event SET cause = 'lie'",
        "DELETE FROM payout_event",
        "DELETE FROM payout",
        "DELETE FROM attempt",
        "DELETE FROM evidence",
        "DELETE FROM inbox",
        "DELETE FROM dead_letter",
        "TRUNCATE payout_event",
        "UPDATE evidence SET class = 'success'",
        "UPDATE attempt SET n = 2",
        "UPDATE attempt SET payout_id = gen_random_uuid()",
        "UPDATE quote SET fee_cents = 0",
        "UPDATE inbox SET body = '{}'",
        "UPDATE status_query SET payout_id = gen_random_uuid()",
        "INSERT INTO payout_move VALUES ('submitted', 'reversed', 'nothing')",
        "UPDATE payout_move SET needs = 'nothing'",
        "DELETE FROM payout_move",
        "ALTER TABLE payout DISABLE TRIGGER payout_guard",
        GUARDS_OFF,
    ],
)
def test_the_application_may_not(standing: Standing, statement: str) -> None:
    """History, proofs and rules are out of reach for what web and workers are."""
    with denied():
        write(standing.app, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM payout",
        "DELETE FROM attempt",
        "DELETE FROM evidence",
        "DELETE FROM payout_event",
        "UPDATE payout_event SET cause = 'lie'",
    ],
)
def test_history_is_append_only_for_the_owner_too(standing: Standing, statement: str) -> None:
    with refused("append_only"):
        write(standing.owner, statement)
