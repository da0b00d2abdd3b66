"""`baraza sms`: seeing what did not arrive, why nothing goes out, and sending it once more."""

import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from app import cli
from app.db import Database
from app.messages import delivery
from app.messages.delivery import Report
from tests.support.databases import Logins
from tests.support.http_script import closed_port
from tests.support.stories import Stories
from tests.support.texting import BLACKLISTED, NO_CREDIT, Texting, accepted, answer, counts, texting

WANJIKU, OTIENO = "+254712000001", "+254712000002"
FULL_PHONE = re.compile(r"(?:\+?254|0)7[0-9]{8}")
HELP_LINE = "0700000111"
REASON = ("--reason", "her phone was off")


@pytest.fixture
def world(db: Database) -> Iterator[Texting]:
    with texting(db) as made:
        yield made


class Baraza:
    """The command on this database."""

    def __init__(self, logins: Logins) -> None:
        redis = f"redis://127.0.0.1:{closed_port()}/0"
        self._environment = {"DATABASE_URL": logins.application, "REDIS_URL": redis}

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """What it prints, when it ends with this exit code. Never a full number."""
        ran = CliRunner().invoke(cli.main, ["sms", *arguments], env=self._environment)
        assert code == ran.exit_code, ran.output
        assert not FULL_PHONE.search(ran.output.replace(HELP_LINE, ""))
        return ran.output

    def json(self, *arguments: str) -> Any:
        """The same, for programs."""
        return json.loads(self(*arguments, "--json"))


@pytest.fixture
def sms(database_logins: Logins) -> Baraza:
    return Baraza(database_logins)


@pytest.fixture
def failed(world: Texting) -> UUID:
    """An SMS that the gateway refused for good."""
    key = world.queue(world.member(WANJIKU), WANJIKU)
    world.answers(answer(403, "InvalidPhoneNumber"))
    world.send()
    world.answers(accepted("ATXid_7"))
    return key


def acts(world: Texting) -> list[Any]:
    with world.db.transaction() as tx:
        return list(tx.execute(sa.text("SELECT action, detail, source FROM staff_action")))


def test_the_list_shows_what_failed_and_why(world: Texting, failed: UUID, sms: Baraza) -> None:
    world.queue(world.member(OTIENO), OTIENO)
    (one,) = sms.json("list", "--failed")
    assert (str(failed), "failed", "InvalidPhoneNumber (403)") == (
        one["id"], one["state"], one["failure"],
    )  # fmt: skip
    shown = sms("list", "--failed")
    assert str(failed)[-8:] in shown
    assert "0712***001" in shown
    assert "0712***002" not in shown


def test_the_list_narrows_to_one_number(world: Texting, failed: UUID, sms: Baraza) -> None:
    """However the number is written."""
    world.queue(world.member(OTIENO), OTIENO)
    assert [str(failed)] == [one["id"] for one in sms.json("list", "--phone", "0712 000 001")]
    assert 2 == len(sms.json("list"))
    assert "No SMS fits" in sms("list", "--phone", "0799999999")
    assert "Invalid value for --phone" in sms("list", "--phone", "12", code=2)
    assert "exclude each other" in sms("list", "--failed", "--state", "queued", code=2)


def test_a_resent_message_is_the_same_text_and_is_on_record(
    world: Texting, failed: UUID, sms: Baraza
) -> None:
    """Word for word, so that it reads as a repeat."""
    assert "(pin_locked) goes to 0712***001 again" in sms("resend", str(failed)[-8:], *REASON)
    assert counts(accepted=1) == world.send()
    once, again = world.texts()
    assert once == again
    assert ("accepted", 1, "ATXid_7", None) == (
        world.row(failed).state, world.row(failed).attempts,
        world.row(failed).provider_message_id, world.row(failed).failure,
    )  # fmt: skip
    ((action, detail, source),) = acts(world)
    assert ("sms_resent", "command line") == (action, source)
    assert {
        "member_no": "M00001", "message": str(failed), "kind": "pin_locked", "reference": None,
        "reason": "her phone was off",
    } == {key: value for key, value in detail.items() if key != "by"}  # fmt: skip


def test_a_receipt_is_resent_though_a_payout_has_one_of_a_kind(
    world: Texting, redis_url: str, sms: Baraza
) -> None:
    """It is the same message that goes again, also when the network said that it arrived."""
    reference = Stories(world.db, redis_url).paid()
    world.answers(accepted("ATXid_1"), accepted("ATXid_2"))
    world.send()
    with world.db.transaction() as tx:
        delivery.receive(tx, Report("ATXid_1", "Success"))
    (receipt,) = sms.json("list", "--payout", reference)
    assert "delivered" == receipt["state"]
    assert f"about {reference} goes to" in sms("resend", receipt["id"], *REASON)
    world.send()
    assert [receipt["text"]] * 2 == world.texts()
    # What is reported about the first one is about the past.
    with world.db.transaction() as tx:
        delivery.receive(tx, Report("ATXid_1", "Failed"))
        delivery.receive(tx, Report("ATXid_2", "Success"))
    assert ["delivered"] == [m["state"] for m in sms.json("list", "--payout", reference)]


def test_a_start_pin_is_not_resent(world: Texting, failed: UUID, sms: Baraza) -> None:
    """It may be a stranger's phone by now; a new one is issued after questions."""
    world.write("UPDATE message SET state = 'failed', due_at = NULL")
    world.write(
        "INSERT INTO message (id, kind, member_id, msisdn, language, body, state, due_at)"
        " SELECT gen_random_uuid(), 'start_pin', member_id, msisdn, 'en', '****', 'failed', NULL"
        " FROM message WHERE id = :failed",
        failed=failed,
    )
    key = world.value("SELECT id FROM message WHERE kind = 'start_pin'")
    assert "`baraza members pin-reset` makes one" in sms("resend", str(key), *REASON, code=1)
    assert [] == acts(world)


def test_what_still_waits_is_not_resent(world: Texting, sms: Baraza) -> None:
    key = world.queue(world.member(WANJIKU), WANJIKU)
    assert "still waiting to be sent" in sms("resend", str(key), *REASON, code=1)


def test_nothing_is_resent_to_a_number_that_is_no_longer_hers(
    world: Texting, failed: UUID, sms: Baraza
) -> None:
    """Whoever has it now must not read her balance."""
    world.write("UPDATE member SET msisdn = :number", number=OTIENO)
    assert "another number now" in sms("resend", str(failed), *REASON, code=1)
    assert "failed" == world.row(failed).state


@pytest.mark.parametrize("name", ["1234", "hello there", "%%%%%%%%", "' OR 1=1 --"])
def test_an_id_that_is_none_is_refused(world: Texting, sms: Baraza, name: str) -> None:
    """Before anything is looked for."""
    assert "is no id" in sms("resend", *REASON, "--", name, code=1)
    assert [] == acts(world)


def test_an_unknown_and_an_ambiguous_id_say_what_helps(
    world: Texting, failed: UUID, sms: Baraza
) -> None:
    assert "there is no SMS with this id" in sms("resend", "0" * 12, *REASON, code=1)
    assert "no SMS with this id" in sms("resend", str(UUID(int=0)), *REASON, code=1)
    twin = str(failed)[:-27].replace("0", "1", 1) + str(failed)[-27:]
    assert twin != str(failed)
    world.write(
        "INSERT INTO message (id, kind, member_id, msisdn, language, body, state, due_at)"
        " SELECT :twin, kind, member_id, msisdn, 'en', body, state, due_at FROM message",
        twin=UUID(twin),
    )
    assert "give more of it" in sms("resend", str(failed)[-8:], *REASON, code=1)
    assert "again" in sms("resend", str(failed), *REASON)


def test_a_resend_needs_a_reason(failed: UUID, sms: Baraza) -> None:
    assert "--reason" in sms("resend", str(failed), code=2)
    assert "say why" in sms("resend", str(failed), "--reason", " ", code=2)


def test_the_status_of_a_quiet_day_is_short(world: Texting, sms: Baraza) -> None:
    assert [] == acts(world)
    expected = [
        "Waiting: 0", "Failed in the last 24 hours: 0", "Numbers that block our sender: 0",
    ]  # fmt: skip
    assert expected == [line.strip() for line in sms("status").splitlines()]


def test_the_status_names_a_pause_its_cure_and_who_blocks_us(
    world: Texting, failed: UUID, sms: Baraza
) -> None:
    world.answers(BLACKLISTED)
    blocked = world.queue(world.member(OTIENO), OTIENO)
    world.send()
    world.answers(NO_CREDIT)
    world.queue(world.row(failed).member_id, WANJIKU)
    world.send()
    shown = sms("status")
    for part in ("PAUSED since", "InsufficientBalance", "Top up the account", "Waiting: 1",
                 "hours: 2", "sender: 1", "M00002", "0712***002", "*456*9#"):  # fmt: skip
        assert part in shown
    told = sms.json("status")
    assert (1, 2, 1) == (told["waiting"], told["failed_last_day"], told["blocked_count"])
    assert "InsufficientBalance" == told["paused"]["reason"]
    assert "UserInBlacklist (406)" == world.row(blocked).failure
