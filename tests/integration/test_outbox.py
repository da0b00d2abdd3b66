"""The outbox on a real database and a gateway on a real socket."""

import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import pytest
import sqlalchemy as sa

from app import clock, ids
from app.db import Database
from app.errors import BarazaError
from app.messages import delivery, outbox, sending
from app.messages.delivery import Report
from app.providers.africastalking import Sms
from tests.support.http_script import Act, Hang, Reply, Reset, ScriptedServer, scripted_server
from tests.support.stories import Person, Stories

PATH = "/version1/messaging"
READ_TIMEOUT_S = 0.5


@pytest.fixture
def stories(db: Database, redis_url: str) -> Iterator[Stories]:
    made = Stories(db, redis_url)
    yield made
    made.redis.close()


@pytest.fixture
def person(stories: Stories) -> Person:
    return stories.person()


@pytest.fixture
def gateway() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture
def sms(gateway: ScriptedServer) -> Iterator[Sms]:
    made = Sms(
        base_url=gateway.url,
        username="sandbox",
        api_key="k",
        sender_id="BARAZA",
        read_timeout_s=READ_TIMEOUT_S,
    )
    yield made
    made.close()


def accepted(message_id: str = "ATXid_1") -> Reply:
    return answer(101, "Success", message_id)


def answer(code: int, status: str, message_id: str = "None") -> Reply:
    recipient = {"statusCode": code, "status": status, "messageId": message_id}
    body = {"SMSMessageData": {"Message": "", "Recipients": [recipient]}}
    return Reply(201, json.dumps(body).encode())


def queue(db: Database, person: Person, message_id: UUID | None = None) -> UUID:
    """Queue one SMS about a locked PIN, which needs no payout."""
    key = message_id or ids.uuid7(clock.now())
    with db.transaction() as tx:
        outbox.queue(
            tx,
            "pin_locked",
            message_id=key,
            member_id=person.id,
            msisdn=person.msisdn,
            language="en",
            facts={"time": clock.now(), "tries": 3},
        )
    return key


def row(db: Database, message_id: UUID) -> Any:
    with db.transaction() as tx:
        query = sa.text("SELECT *, due_at - now() AS due_in FROM message WHERE id = :id")
        return tx.execute(query, {"id": message_id}).one()


def make_due(db: Database) -> None:
    """As if all waiting were over."""
    with db.transaction() as tx:
        tx.execute(sa.text("UPDATE message SET due_at = now() WHERE due_at IS NOT NULL"))


def counts(**given: int) -> dict[str, int]:
    return {"accepted": 0, "failed": 0, "again": 0, "late": 0, **given}


def test_a_queued_message_is_sent_once_with_its_text(
    db: Database, person: Person, gateway: ScriptedServer, sms: Sms
) -> None:
    """The gateway gets number, text and sender; the row keeps its id and asks for nothing more."""
    gateway.on(PATH, accepted())
    key = queue(db, person)
    assert counts(accepted=1) == outbox.send_due(db, sms, worker="w1")
    assert counts() == outbox.send_due(db, sms, worker="w1")
    (seen,) = gateway.seen(PATH)
    sent = {name: values[0] for name, values in parse_qs(seen.body.decode()).items()}
    now = row(db, key)
    assert (person.msisdn, now.body, "BARAZA") == (sent["to"], sent["message"], sent["from"])
    assert (
        now.state, now.provider_message_id, now.attempts, now.due_at,
    ) == ("accepted", "ATXid_1", 1, None)  # fmt: skip


def test_the_help_line_is_the_saccos_unless_named(db: Database, person: Person) -> None:
    """Steps that queue a text carry no settings."""
    assert "call 0700000111 now" in row(db, queue(db, person)).body


def test_a_change_that_did_not_happen_tells_nobody(db: Database, person: Person) -> None:
    """The message is written in the transaction of the change, and falls with it."""

    def change() -> None:
        with db.transaction() as tx:
            outbox.queue(
                tx,
                "pin_locked",
                message_id=ids.uuid7(clock.now()),
                member_id=person.id,
                msisdn=person.msisdn,
                language="sw",
                facts={"time": clock.now(), "tries": 3},
            )
            assert outbox.waiting(tx)
            raise BarazaError

    with pytest.raises(BarazaError):
        change()
    with db.transaction() as tx:
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


def test_a_message_id_is_queued_once(db: Database, person: Person) -> None:
    """Also without a payout: the caller's id is the key."""
    key = queue(db, person)
    queue(db, person, key)
    with db.transaction() as tx:
        assert tx.scalar(sa.text("SELECT count(*) FROM message")) == 1


def test_a_permanent_refusal_is_kept_with_its_reason(
    db: Database, person: Person, gateway: ScriptedServer, sms: Sms
) -> None:
    """The help desk can tell her that she blocks our sender."""
    gateway.on(PATH, answer(406, "UserInBlacklist"))
    key = queue(db, person)
    assert counts(failed=1) == outbox.send_due(db, sms, worker="w1")
    now = row(db, key)
    assert (now.state, now.failure, now.due_at) == ("failed", "UserInBlacklist (406)", None)
    assert now.finished_at is not None


@pytest.mark.parametrize(
    "case",
    [
        (answer(501, "GatewayError"), "GatewayError", 5),
        (answer(405, "InsufficientBalance"), "InsufficientBalance", 600),
        (Reply(401, b"The supplied authentication is invalid"), "our key was refused", 5),
        (Hang(), "it may have arrived", 120),
        (Reset(), "it may have arrived", 120),
        (Reply(500, b"<html>", "text/html"), "it may have arrived", 120),
    ],
    ids=["gateway-error", "no-credit", "bad-key", "hang", "reset", "html"],
)
def test_what_did_not_work_is_tried_again_later(
    db: Database,
    person: Person,
    gateway: ScriptedServer,
    sms: Sms,
    case: tuple[Act, str, int],
) -> None:
    """A receipt is sent at least once, with a growing wait between attempts."""
    act, reason, wait_s = case
    gateway.on(PATH, act, accepted("ATXid_2"))
    key = queue(db, person)
    assert counts(again=1) == outbox.send_due(db, sms, worker="w1")
    now = row(db, key)
    assert now.state == "queued"
    assert reason in now.failure
    assert wait_s - 2 < now.due_in.total_seconds() <= wait_s
    assert counts() == outbox.send_due(db, sms, worker="w1")
    make_due(db)
    assert counts(accepted=1) == outbox.send_due(db, sms, worker="w2")
    later = row(db, key)
    assert (
        later.state, later.provider_message_id, later.attempts, later.failure,
    ) == ("accepted", "ATXid_2", 2, None)  # fmt: skip


def test_a_slow_message_holds_up_no_other_and_no_connection(
    db: Database, database_url: str, person: Person, gateway: ScriptedServer, sms: Sms
) -> None:
    """While one call hangs, the others are recorded, through a pool of one connection."""
    gateway.on(PATH, Hang(), accepted())
    keys = [queue(db, person) for _ in range(6)]
    narrow = Database(database_url, pool_max=1)
    sender = threading.Thread(target=outbox.send_due, args=(narrow, sms), kwargs={"worker": "w1"})
    sender.start()
    states: list[str] = []
    while sender.is_alive() and states.count("accepted") < 5:
        states = [row(db, key).state for key in keys]
        with narrow.transaction() as tx:
            assert tx.scalar(sa.text("SELECT 1")) == 1
    hanging = sender.is_alive()
    sender.join()
    narrow.close()
    assert (hanging, states.count("accepted")) == (True, 5)


def test_two_workers_send_every_message_once(
    db: Database, person: Person, gateway: ScriptedServer, sms: Sms
) -> None:
    """Rows that one has claimed are passed over by the other."""
    gateway.on(PATH, accepted())
    keys = [queue(db, person) for _ in range(40)]
    sums: list[dict[str, int]] = []
    workers = [
        threading.Thread(
            target=lambda name=name: sums.append(outbox.send_due(db, sms, worker=name))
        )
        for name in ("w1", "w2")
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(one["accepted"] for one in sums) == 40
    assert len(gateway.seen(PATH)) == 40
    assert {("accepted", 1)} == {(row(db, key).state, row(db, key).attempts) for key in keys}


def test_what_a_dead_worker_had_claimed_comes_due_by_itself(
    db: Database, person: Person, gateway: ScriptedServer, sms: Sms
) -> None:
    """The attempt was counted before the call, so nothing hides that it may have been made."""
    gateway.on(PATH, accepted())
    key = queue(db, person)
    with db.transaction() as tx:
        (claimed,) = sending.claim(tx, worker="dead", limit=10)
    assert (key, 1) == (claimed.id, claimed.attempts)
    assert counts() == outbox.send_due(db, sms, worker="w2")
    assert 58 < row(db, key).due_in.total_seconds() <= sending.LEASE_S
    make_due(db)
    assert counts(accepted=1) == outbox.send_due(db, sms, worker="w2")
    assert row(db, key).attempts == 2


def test_a_worker_known_dead_loses_its_claims_at_once(
    db: Database, person: Person, gateway: ScriptedServer, sms: Sms
) -> None:
    """And only those: what waits for its next attempt goes on waiting."""
    gateway.on(PATH, answer(501, "GatewayError"), accepted())
    waits = queue(db, person)
    outbox.send_due(db, sms, worker="dead")
    key = queue(db, person)
    with db.transaction() as tx:
        sending.claim(tx, worker="dead", limit=10)
    with db.transaction() as tx:
        assert outbox.release(tx, "dead") == 1
    assert counts(accepted=1) == outbox.send_due(db, sms, worker="w2")
    assert (row(db, key).state, row(db, waits).state) == ("accepted", "queued")


def test_an_answer_that_comes_after_the_claim_was_lost_writes_nothing(
    db: Database, person: Person, gateway: ScriptedServer, sms: Sms
) -> None:
    """Another worker's attempt has the say by then."""
    gateway.on(PATH, answer(406, "UserInBlacklist"), accepted("ATXid_2"))
    key = queue(db, person)
    with db.transaction() as tx:
        slow = sending.claim(tx, worker="slow", limit=10)
    make_due(db)
    with db.transaction() as tx:
        quick = sending.claim(tx, worker="quick", limit=10)
    assert sending.send(db, sms, slow, worker="slow")["late"] == 1
    assert row(db, key).state == "queued"
    assert sending.send(db, sms, quick, worker="quick")["accepted"] == 1
    assert row(db, key).provider_message_id == "ATXid_2"


def test_a_message_is_given_up_in_the_end_and_says_why(
    db: Database, person: Person, gateway: ScriptedServer, sms: Sms
) -> None:
    """After the last attempt it is failed, never forgotten."""
    gateway.on(PATH, answer(501, "GatewayError"))
    key = queue(db, person)
    for _ in range(sending.ATTEMPTS_MAX):
        outbox.send_due(db, sms, worker="w1")
        make_due(db)
    now = row(db, key)
    assert (now.state, now.failure) == ("failed", "given up after 12 attempts: GatewayError")
    assert len(gateway.seen(PATH)) == sending.ATTEMPTS_MAX


def test_a_message_whose_workers_all_died_is_given_up_too(
    db: Database, person: Person, sms: Sms
) -> None:
    """A message that ends its worker every time must not do so for ever."""
    key = queue(db, person)
    for _ in range(sending.ATTEMPTS_MAX):
        with db.transaction() as tx:
            assert len(sending.claim(tx, worker="dead", limit=1)) == 1
        make_due(db)
    assert counts() == outbox.send_due(db, sms, worker="w1")
    now = row(db, key)
    assert (now.state, now.due_at) == ("failed", None)
    assert "it may have arrived" in now.failure


def test_a_rush_is_sent_in_waves_up_to_the_limit(
    db: Database, person: Person, gateway: ScriptedServer, sms: Sms
) -> None:
    """No more than a wave is claimed at a time, and no more than the limit in one job."""
    gateway.on(PATH, accepted())
    for _ in range(20):
        queue(db, person)
    assert counts(accepted=18) == outbox.send_due(db, sms, worker="w1", limit=18)
    with db.transaction() as tx:
        assert outbox.waiting(tx)


def test_a_report_that_came_before_our_own_commit_is_applied_by_it(
    db: Database, person: Person, gateway: ScriptedServer, sms: Sms
) -> None:
    """The gateway can be quicker than we are: unknown ids are kept."""
    gateway.on(PATH, accepted("ATXid_early"))
    key = queue(db, person)
    with db.transaction() as tx:
        delivery.receive(tx, Report("ATXid_early", "Success"))
    assert counts(accepted=1) == outbox.send_due(db, sms, worker="w1")
    assert row(db, key).state == "delivered"


def test_a_report_while_the_id_is_being_stored_waits_for_it(
    db: Database, person: Person, gateway: ScriptedServer, sms: Sms
) -> None:
    """Neither may look before the other's commit, or the report would never be applied."""
    gateway.on(PATH, accepted("ATXid_race"))
    key = queue(db, person)
    reported = threading.Event()

    def report() -> None:
        with db.transaction() as tx:
            delivery.receive(tx, Report("ATXid_race", "Success"))
        reported.set()

    with db.transaction() as tx:
        (claimed,) = sending.claim(tx, worker="w1", limit=1)
    thread = threading.Thread(target=report)
    with db.transaction() as tx:
        result = sending.Result("accepted", provider_message_id="ATXid_race")
        assert sending._record(tx, [(claimed, result)], worker="w1") == ["accepted"]
        thread.start()
        assert not reported.wait(0.3)
    thread.join()
    assert row(db, key).state == "delivered"
