"""The outbox on a real database and a gateway on a real socket."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest
import sqlalchemy as sa

from app import clock, ids
from app.db import Database
from app.errors import BarazaError, Broken
from app.messages import answers, outbox, sending
from tests.support.http_script import Act, Hang, Reply, Reset
from tests.support.stories import Stories
from tests.support.texting import Texting, accepted, answer, counts, no_start_pins, texting

MSISDN = "+254712000001"


@pytest.fixture
def stories(db: Database, redis_url: str) -> Iterator[Stories]:
    made = Stories(db, redis_url)
    yield made
    made.redis.close()


@pytest.fixture
def world(db: Database) -> Iterator[Texting]:
    with texting(db) as made:
        yield made


@pytest.fixture
def person(world: Texting) -> int:
    return world.member(MSISDN)


def queue(world: Texting, person: int) -> UUID:
    """One SMS about a locked PIN, which needs no payout."""
    return world.queue(person, MSISDN)


def test_a_queued_message_is_sent_once_with_its_text(world: Texting, person: int) -> None:
    """The gateway gets number, text and sender; the row keeps its id and asks for nothing more."""
    world.answers(accepted())
    key = queue(world, person)
    assert counts(accepted=1) == world.send()
    assert counts() == world.send()
    (sent,) = world.calls()
    now = world.row(key)
    assert (MSISDN, now.body, "BARAZA") == (sent["to"], sent["message"], sent["from"])
    assert (
        now.state, now.provider_message_id, now.attempts, now.due_at,
    ) == ("accepted", "ATXid_1", 1, None)  # fmt: skip


def test_the_help_line_is_the_saccos_unless_named(world: Texting, person: int) -> None:
    """Steps that queue a text carry no settings."""
    assert "call 0700000111 now" in world.row(queue(world, person)).body


def test_a_change_that_did_not_happen_tells_nobody(world: Texting, person: int) -> None:
    """The message is written in the transaction of the change, and falls with it."""

    def change() -> None:
        with world.db.transaction() as tx:
            outbox.queue(
                tx,
                "pin_locked",
                message_id=ids.uuid7(clock.now()),
                member_id=person,
                msisdn=MSISDN,
                language="sw",
                facts={"time": clock.now(), "tries": 3},
            )
            assert outbox.waiting(tx)
            raise BarazaError

    with pytest.raises(BarazaError):
        change()
    with world.db.transaction() as tx:
        assert not outbox.waiting(tx)


def test_a_payout_has_one_message_of_a_kind(db: Database, stories: Stories) -> None:
    """A step that is repeated queues again, under another id, without harm."""
    reference = stories.paid()
    with db.transaction() as tx:
        payout = tx.execute(
            sa.text("SELECT * FROM payout WHERE reference = :r"), {"r": reference}
        ).one()
        again = outbox.queue(
            tx,
            "silent",
            message_id=ids.uuid7(clock.now()),
            member_id=payout.member_id,
            msisdn=payout.msisdn,
            language="en",
            facts={"ref": reference, "amount_cents": payout.amount_cents},
            payout_id=payout.id,
        )
        third = outbox.queue(
            tx,
            "silent",
            message_id=ids.uuid7(clock.now()),
            member_id=payout.member_id,
            msisdn=payout.msisdn,
            language="en",
            facts={"ref": reference, "amount_cents": payout.amount_cents},
            payout_id=payout.id,
        )
        kinds = tx.scalars(sa.text("SELECT kind FROM message ORDER BY queued_at, kind")).all()
    assert (again, third) == (True, False)
    assert sorted(kinds) == ["sent", "silent"]


def test_a_message_id_is_queued_once(world: Texting, person: int) -> None:
    """Also without a payout: the caller's id is the key."""
    key = queue(world, person)
    assert key == world.queue(person, MSISDN, key=key)
    assert 1 == world.value("SELECT count(*) FROM message")


def test_a_permanent_refusal_is_kept_with_its_reason(world: Texting, person: int) -> None:
    """Trying again would be pointless, so staff must read it."""
    world.answers(answer(403, "InvalidPhoneNumber"))
    key = queue(world, person)
    assert counts(failed=1) == world.send()
    now = world.row(key)
    assert (now.state, now.failure, now.due_at) == ("failed", "InvalidPhoneNumber (403)", None)
    assert now.finished_at is not None


@pytest.mark.parametrize(
    "case",
    [
        (answer(501, "GatewayError"), "GatewayError", 5),
        (Reply(401, b"The supplied authentication is invalid"), "our key was refused", 5),
        (Hang(), "it may have arrived", 120),
        (Reset(), "it may have arrived", 120),
        (Reply(500, b"<html>", "text/html"), "it may have arrived", 120),
    ],
    ids=["gateway-error", "bad-key", "hang", "reset", "html"],
)
def test_what_did_not_work_is_tried_again_later(
    world: Texting, person: int, case: tuple[Act, str, int]
) -> None:
    """A receipt is sent at least once, with a growing wait between attempts."""
    act, reason, wait_s = case
    world.answers(act, accepted("ATXid_2"))
    key = queue(world, person)
    assert counts(again=1) == world.send()
    now = world.row(key)
    assert now.state == "queued"
    assert reason in now.failure
    assert wait_s - 2 < now.due_in.total_seconds() <= wait_s
    assert counts() == world.send()
    world.make_due()
    assert counts(accepted=1) == world.send(worker="w2")
    later = world.row(key)
    assert (
        later.state, later.provider_message_id, later.attempts, later.failure,
    ) == ("accepted", "ATXid_2", 2, None)  # fmt: skip


def test_a_slow_message_holds_up_no_other_and_no_connection(
    world: Texting, database_url: str, person: int
) -> None:
    """While one call hangs, the others are recorded, through a pool of one connection."""
    world.answers(Hang(), accepted())
    keys = [queue(world, person) for _ in range(6)]
    narrow = Database(database_url, pool_max=1)
    sender = threading.Thread(target=replace(world, db=narrow).send)
    sender.start()
    states: list[str] = []
    while sender.is_alive() and states.count("accepted") < 5:
        states = [world.row(key).state for key in keys]
        with narrow.transaction() as tx:
            assert tx.scalar(sa.text("SELECT 1")) == 1
    hanging = sender.is_alive()
    sender.join()
    narrow.close()
    assert (hanging, states.count("accepted")) == (True, 5)


def test_two_workers_send_every_message_once(world: Texting, person: int) -> None:
    """Rows that one has claimed are passed over by the other."""
    world.answers(accepted())
    keys = [queue(world, person) for _ in range(40)]
    sums: list[dict[str, int]] = []
    workers = [
        threading.Thread(target=lambda name=name: sums.append(world.send(worker=name)))
        for name in ("w1", "w2")
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(one["accepted"] for one in sums) == 40
    assert len(world.calls()) == 40
    assert {("accepted", 1)} == {(world.row(key).state, world.row(key).attempts) for key in keys}


def test_what_a_dead_worker_had_claimed_comes_due_by_itself(world: Texting, person: int) -> None:
    """The attempt was counted before the call, so nothing hides that it may have been made."""
    world.answers(accepted())
    key = queue(world, person)
    with world.db.transaction() as tx:
        (claimed,) = sending.claim(tx, worker="dead", limit=10)
    assert (key, 1) == (claimed.id, claimed.attempts)
    assert counts() == world.send(worker="w2")
    assert 58 < world.row(key).due_in.total_seconds() <= sending.LEASE_S
    world.make_due()
    assert counts(accepted=1) == world.send(worker="w2")
    assert world.row(key).attempts == 2


def test_a_worker_known_dead_loses_its_claims_at_once(world: Texting, person: int) -> None:
    """And only those: what waits for its next attempt goes on waiting."""
    world.answers(answer(501, "GatewayError"), accepted())
    waits = queue(world, person)
    world.send(worker="dead")
    key = queue(world, person)
    with world.db.transaction() as tx:
        sending.claim(tx, worker="dead", limit=10)
    with world.db.transaction() as tx:
        assert outbox.release(tx, "dead") == 1
    assert counts(accepted=1) == world.send(worker="w2")
    assert (world.row(key).state, world.row(waits).state) == ("accepted", "queued")


def test_an_answer_that_comes_after_the_claim_was_lost_writes_nothing(
    world: Texting, person: int
) -> None:
    """Another worker's attempt has the say by then."""
    world.answers(answer(403, "InvalidPhoneNumber"), accepted("ATXid_2"))
    key = queue(world, person)
    with world.db.transaction() as tx:
        slow = sending.claim(tx, worker="slow", limit=10)
    world.make_due()
    with world.db.transaction() as tx:
        quick = sending.claim(tx, worker="quick", limit=10)
    assert (
        sending.send(world.db, world.sms, slow, worker="slow", start_pins=no_start_pins)["late"]
        == 1
    )
    assert world.row(key).state == "queued"
    assert (
        sending.send(world.db, world.sms, quick, worker="quick", start_pins=no_start_pins)[
            "accepted"
        ]
        == 1
    )
    assert world.row(key).provider_message_id == "ATXid_2"


def test_a_message_is_given_up_in_the_end_and_says_why(world: Texting, person: int) -> None:
    """After the last attempt it is failed, never forgotten."""
    world.answers(answer(501, "GatewayError"))
    key = queue(world, person)
    for _ in range(answers.ATTEMPTS_MAX):
        world.send()
        world.make_due()
    now = world.row(key)
    assert (now.state, now.failure) == ("failed", "given up after 12 attempts: GatewayError")
    assert len(world.calls()) == answers.ATTEMPTS_MAX


def test_a_message_whose_workers_all_died_is_given_up_too(world: Texting, person: int) -> None:
    """A message that ends its worker every time must not do so for ever."""
    key = queue(world, person)
    for _ in range(answers.ATTEMPTS_MAX):
        with world.db.transaction() as tx:
            assert len(sending.claim(tx, worker="dead", limit=1)) == 1
        world.make_due()
    assert counts() == world.send()
    now = world.row(key)
    assert (now.state, now.due_at) == ("failed", None)
    assert "it may have arrived" in now.failure


def test_a_rush_is_sent_in_waves_up_to_the_limit(world: Texting, person: int) -> None:
    """No more than a wave is claimed at a time, and no more than the limit in one job."""
    world.answers(accepted())
    for _ in range(20):
        queue(world, person)
    assert counts(accepted=18) == world.send(limit=18)
    with world.db.transaction() as tx:
        assert outbox.waiting(tx)


def test_texts_know_the_house_and_take_only_their_own_facts(world: Texting, person: int) -> None:
    """The help line and the service code are the SACCO's; a fact too many is an error."""
    facts = {"ref": "BRZ2345678", "amount_cents": 100_000}
    body = world.row(world.queue(person, MSISDN, "held", facts)).body
    assert "dial *384*2025# to cancel" in body
    assert body.endswith("Help 0700000111")
    with pytest.raises(Broken):
        world.queue(person, MSISDN, "held", {**facts, "name": "Wanjiku"})
    with pytest.raises(Broken):
        world.queue(person, MSISDN, "lottery", facts)
