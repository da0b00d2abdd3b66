"""What keeps messages from members: numbers that block us, and an account without credit."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from app import clock
from app.db import Database
from app.messages import delivery, outbox, pause, sending
from app.messages.answers import ATTEMPTS_MAX
from app.messages.delivery import Report
from tests.support.http_script import Hang
from tests.support.texting import BLACKLISTED, NO_CREDIT, Texting, accepted, answer, counts, texting

WANJIKU = "+254712000001"
OTIENO = "+254712000002"


@pytest.fixture
def world(db: Database) -> Iterator[Texting]:
    with texting(db) as made:
        yield made


@pytest.fixture
def wanjiku(world: Texting) -> int:
    return world.member(WANJIKU)


def is_blocked(world: Texting, msisdn: str = WANJIKU) -> bool:
    found = world.value("SELECT count(*) FROM sms_block WHERE msisdn = :number", number=msisdn)
    return bool(found)


def reported(world: Texting, *reports: Report) -> None:
    for report in reports:
        with world.db.transaction() as tx:
            delivery.receive(tx, report)


def test_a_number_that_blocks_us_is_remembered_and_the_message_failed(
    world: Texting, wanjiku: int
) -> None:
    """Staff can tell her why nothing came."""
    world.answers(BLACKLISTED)
    key = world.queue(wanjiku, WANJIKU)
    assert counts(failed=1) == world.send()
    assert ("failed", "UserInBlacklist (406)") == (world.row(key).state, world.row(key).failure)
    assert is_blocked(world)


def test_later_messages_to_a_blocked_number_are_tried_once(world: Texting, wanjiku: int) -> None:
    """No hours of trying; everybody else's messages are retried as ever."""
    world.answers(BLACKLISTED)
    world.queue(wanjiku, WANJIKU)
    world.send()
    world.answers(answer(501, "GatewayError"))
    hers = world.queue(wanjiku, WANJIKU)
    his = world.queue(world.member(OTIENO), OTIENO)
    assert counts(failed=1, again=1) == world.send()
    assert ("failed", 1) == (world.row(hers).state, world.row(hers).attempts)
    assert "queued" == world.row(his).state


def test_a_delivery_clears_the_block_and_an_acceptance_does_not(
    world: Texting, wanjiku: int
) -> None:
    """The gateway takes messages for blocked numbers too, and tells later."""
    world.answers(BLACKLISTED, accepted("ATXid_9"))
    world.queue(wanjiku, WANJIKU)
    world.send()
    world.queue(wanjiku, WANJIKU)
    assert counts(accepted=1) == world.send()
    assert is_blocked(world)
    reported(world, Report("ATXid_9", "Success"))
    assert not is_blocked(world)


def test_a_report_can_tell_of_a_block_too(world: Texting, wanjiku: int) -> None:
    """Written differently there than in answers."""
    world.answers(accepted("ATXid_8"))
    key = world.queue(wanjiku, WANJIKU)
    world.send()
    reported(world, Report("ATXid_8", "Failed", "UserInBlackList"))
    assert is_blocked(world)
    assert "Failed: UserInBlackList" == world.row(key).failure


def test_without_credit_nothing_is_claimed_and_no_attempt_is_used_up(
    world: Texting, wanjiku: int
) -> None:
    """An empty account is nobody's message's fault, however long it lasts."""
    world.answers(NO_CREDIT)
    keys = [world.queue(wanjiku, WANJIKU) for _ in range(3)]
    with capture_logs() as logs:
        assert counts(again=3) == world.send()
        assert counts() == world.send()
        for _ in range(ATTEMPTS_MAX + 1):
            world.probe_time()
            assert counts(again=1) == world.send()
    critical = [line["event"] for line in logs if line["log_level"] == "critical"]
    assert ["sms_out_of_credit"] == critical
    assert {("queued", 0)} == {(world.row(key).state, world.row(key).attempts) for key in keys}
    assert 3 + ATTEMPTS_MAX + 1 == len(world.calls())


def test_the_timekeeper_does_not_ring_during_a_pause(world: Texting, wanjiku: int) -> None:
    """Until the next probe is due: a ringing would find nothing to do, every second."""
    world.answers(NO_CREDIT)
    world.queue(wanjiku, WANJIKU)
    world.send()
    with world.db.transaction() as tx:
        assert not outbox.waiting(tx)
    world.probe_time()
    with world.db.transaction() as tx:
        assert outbox.waiting(tx)


def test_after_a_top_up_one_probe_is_sent_and_then_all_the_others(
    world: Texting, wanjiku: int
) -> None:
    world.answers(NO_CREDIT)
    for _ in range(20):
        world.queue(wanjiku, WANJIKU)
    world.send()
    refused = len(world.calls())
    world.answers(accepted())
    world.probe_time()
    assert counts(accepted=20) == world.send()
    assert refused + 20 == len(world.calls())
    assert 0 == world.value("SELECT count(*) FROM sms_pause")


def test_each_refused_probe_puts_the_next_one_off(world: Texting, wanjiku: int) -> None:
    world.answers(NO_CREDIT)
    world.queue(wanjiku, WANJIKU)
    world.send()
    since = world.value("SELECT since FROM sms_pause")
    world.probe_time()
    world.send()
    left = world.value("SELECT extract(epoch FROM probe_at - now()) FROM sms_pause")
    assert pause.PROBE_AFTER_S - 5 < left <= pause.PROBE_AFTER_S
    assert since == world.value("SELECT since FROM sms_pause")


def test_of_several_workers_one_probes(world: Texting, wanjiku: int) -> None:
    """And if it dies over it, another one does, once the lease is over."""
    world.answers(NO_CREDIT)
    for _ in range(5):
        world.queue(wanjiku, WANJIKU)
    world.send()
    world.probe_time()
    with world.db.transaction() as tx:
        assert 1 == len(sending.claim(tx, worker="dies", limit=16))
    with world.db.transaction() as tx:
        assert [] == sending.claim(tx, worker="w2", limit=16)
    world.probe_time()
    world.make_due()
    world.answers(accepted())
    assert counts(accepted=5) == world.send(worker="w2")


@pytest.mark.parametrize("act", [Hang(), answer(501, "GatewayError")], ids=["hang", "error"])
def test_a_probe_that_tells_nothing_about_credit_leaves_the_pause(
    world: Texting, wanjiku: int, act: Hang
) -> None:
    """The next one goes out when this one's lease is over."""
    world.answers(NO_CREDIT)
    world.queue(wanjiku, WANJIKU)
    world.send()
    world.answers(act)
    world.probe_time()
    assert counts(again=1) == world.send()
    left = world.value("SELECT extract(epoch FROM probe_at - now()) FROM sms_pause")
    assert 0 < left <= sending.LEASE_S


def test_a_probe_that_was_not_sent_lets_the_next_one_probe(world: Texting, wanjiku: int) -> None:
    """Start PINs that ran out during a long pause must not stand in the way of what follows."""
    world.answers(NO_CREDIT)
    last = world.queue(wanjiku, WANJIKU)
    world.send()
    for _ in range(3):
        world.queue(wanjiku, WANJIKU, "start_pin", {"until": clock.now()})
    world.answers(accepted())
    world.make_due()
    world.write("UPDATE message SET due_at = due_at - interval '1 s' WHERE kind = 'start_pin'")
    world.probe_time()
    assert counts(accepted=1, failed=3) == world.send()
    assert "accepted" == world.row(last).state


def test_credit_that_runs_out_within_a_wave_pauses_all_the_same(
    world: Texting, wanjiku: int
) -> None:
    """A message taken just before the end must not end the pause that began just after."""
    world.answers(NO_CREDIT, NO_CREDIT, accepted())
    for _ in range(6):
        world.queue(wanjiku, WANJIKU)
    assert counts(accepted=4, again=2) == world.send()
    assert 1 == world.value("SELECT count(*) FROM sms_pause")


def test_a_pause_loses_no_message_whatever_becomes_of_the_workers(
    world: Texting, wanjiku: int
) -> None:
    """Claimed by a worker that died, refused for want of credit, then sent once each."""
    keys = [world.queue(wanjiku, WANJIKU) for _ in range(4)]
    with world.db.transaction() as tx:
        sending.claim(tx, worker="dead", limit=2)
    world.answers(NO_CREDIT)
    world.send()
    with world.db.transaction() as tx:
        assert 2 == outbox.release(tx, "dead")
    world.answers(accepted())
    world.probe_time()
    assert counts(accepted=4) == world.send()
    assert {"accepted"} == {world.row(key).state for key in keys}
