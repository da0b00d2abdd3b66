"""Delivery reports in any order and any number of copies, before our own commit or after it."""

import threading
from collections.abc import Iterator
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app import clock, ids
from app.db import Database
from app.messages import delivery, sending
from app.messages.answers import Result
from app.messages.delivery import Report
from tests.support import databases
from tests.support.databases import Logins
from tests.support.texting import Texting, accepted, texting

WANJIKU = "+254712000001"
REPORTS = [
    ("Sent", ""), ("Submitted", ""), ("Buffered", ""), ("Success", ""), ("Rejected", ""),
    ("Failed", "DeliveryFailure"), ("Failed", "UserInBlackList"), ("Expired", ""),
    ("AbsentSubscriber", ""), ("NeverHeardOf", "new"),
]  # fmt: skip
ARRIVED, BLOCKED = ("Success", ""), ("Failed", "UserInBlackList")
Telling = tuple[list[tuple[int, str, str]], list[tuple[int, str, str]], int]


@pytest.fixture
def world(db: Database) -> Iterator[Texting]:
    with texting(db) as made:
        yield made


def test_a_report_that_came_before_our_own_commit_is_applied_by_it(world: Texting) -> None:
    """The gateway can be quicker than we are: unknown ids are kept."""
    world.answers(accepted("ATXid_early"))
    key = world.queue(world.member(WANJIKU), WANJIKU)
    with world.db.transaction() as tx:
        delivery.receive(tx, Report("ATXid_early", "Success"))
    assert world.send()["accepted"] == 1
    assert world.row(key).state == "delivered"


def test_a_report_while_the_id_is_being_stored_waits_for_it(world: Texting) -> None:
    """Neither may look before the other's commit, or the report would never be applied."""
    world.answers(accepted("ATXid_race"))
    key = world.queue(world.member(WANJIKU), WANJIKU)
    reported = threading.Event()

    def report() -> None:
        with world.db.transaction() as tx:
            delivery.receive(tx, Report("ATXid_race", "Success"))
        reported.set()

    with world.db.transaction() as tx:
        (claimed,) = sending.claim(tx, worker="w1", limit=1)
    thread = threading.Thread(target=report)
    with world.db.transaction() as tx:
        result = Result("accepted", provider_message_id="ATXid_race")
        assert sending._record(tx, [(claimed, result)], worker="w1") == ["accepted"]
        thread.start()
        assert not reported.wait(0.3)
    thread.join()
    assert world.row(key).state == "delivered"


@pytest.fixture(scope="module")
def module_world(database_server: Logins, database_template: str) -> Iterator[Texting]:
    with databases.copy(database_server, database_template) as logins:
        db = Database(logins.application, name="tests")
        with texting(db) as made:
            yield made
        db.close()


@st.composite
def tellings(draw: st.DrawFn) -> Telling:
    """The same reports about two messages twice: in two orders, with copies, and our commit."""
    told = st.tuples(st.sampled_from([0, 1]), st.sampled_from(REPORTS))
    said = draw(st.lists(told, min_size=1, max_size=5))
    flat = [(which, status, reason) for which, (status, reason) in said]
    copies = draw(st.lists(st.sampled_from(flat), max_size=2))
    committed_after = draw(st.integers(0, len(flat)))
    return flat, draw(st.permutations([*flat, *copies])), committed_after


def both_ways(one: tuple[int, str, str], other: tuple[int, str, str]) -> Telling:
    """Two reports, and the same two the other way round."""
    return [one, other], [other, one], 0


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(tellings())
@example(both_ways((0, *BLOCKED), (1, *ARRIVED)))
@example(both_ways((1, *BLOCKED), (0, *ARRIVED)))
@example(both_ways((0, *BLOCKED), (0, *ARRIVED)))
def test_where_messages_end_depends_on_their_reports_and_not_on_the_order(
    module_world: Texting,
    telling: Telling,
) -> None:
    """State, reason and block alike, with copies, and before our own commit or after it."""
    one, other, committed_after = telling
    straight = _tell(module_world, one, committed_after=0)
    assert straight == _tell(module_world, other, committed_after=committed_after)
    for which in (0, 1):
        if any(about == which and status == "Success" for about, status, _ in one):
            assert ("delivered", None) == straight[which]


def _tell(
    world: Texting, reports: list[tuple[int, str, str]], *, committed_after: int
) -> tuple[tuple[str, str | None], tuple[str, str | None], bool]:
    """Two messages to a new member, the second accepted later. Where both end, and the block."""
    key = ids.uuid7(clock.now())
    msisdn = f"+2547{key.int % 10**8:08d}"
    member = world.member(msisdn)
    names = [f"ATXid_{key}_{which}" for which in (0, 1)]
    messages = [world.queue(member, msisdn) for _ in names]
    # What is claimed and answered, while the answer is not written down yet.
    with world.db.transaction() as tx:
        claimed = sorted(sending.claim(tx, worker="w", limit=2), key=lambda m: messages.index(m.id))
    for position, (which, status, reason) in enumerate(reports):
        if position == committed_after:
            _store(world, claimed, names)
        with world.db.transaction() as tx:
            delivery.receive(tx, Report(names[which], status, reason))
    if committed_after >= len(reports):
        _store(world, claimed, names)
    blocked = world.value("SELECT count(*) FROM sms_block WHERE msisdn = :n", n=msisdn)
    first, second = (_end(world, message) for message in messages)
    return first, second, blocked == 1


def _store(world: Texting, claimed: list[sending.Claimed], names: list[str]) -> None:
    for message, name in zip(claimed, names, strict=True):
        with world.db.transaction() as tx:
            result = Result("accepted", provider_message_id=name)
            sending._record(tx, [(message, result)], worker="w")


def _end(world: Texting, message: UUID) -> tuple[str, str | None]:
    row = world.row(message)
    return row.state, row.failure
