"""Alerts reach people: over a webhook that proves itself, and as few SMS as will do."""

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from app import clock
from app.audit import Actor
from app.commands.alerts import alerts
from app.db import Database
from app.messages.segments import segments
from app.operations import alerting, notice_texts
from app.operations.alerting import QUIET_S
from app.operations.notice_channels import Phone, Webhook
from app.operations.notices import LEASE_S, Notice
from app.operations.notifying import Notifier
from app.providers.africastalking import Sms
from tests.support.http_script import Hang, Reply, ScriptedServer, Seen, scripted_server
from tests.support.texting import NO_CREDIT, PATH, Texting, accepted, no_start_pins, sms_to

AMINA = Actor("command line", name="amina")
HOOK = "/alerts"
SECRET = "a-secret-that-both-sides-know-0123456789"
DUTY, BOSS = "+254711000001", "+254711000002"
OK = Reply(204)


@pytest.fixture
def hook() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        server.on(HOOK, OK)
        yield server


@pytest.fixture
def gateway() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        server.on(PATH, accepted())
        yield server


@pytest.fixture
def sms(gateway: ScriptedServer) -> Iterator[Sms]:
    with sms_to(gateway) as made:
        yield made


@pytest.fixture
def notifier(db: Database, hook: ScriptedServer, sms: Sms) -> Iterator[Notifier]:
    webhook = Webhook(hook.url + HOOK, SECRET)
    phones = {"phone 1": Phone(sms, DUTY), "escalation 1": Phone(sms, BOSS)}
    yield Notifier(db, webhook=webhook, phones=phones, patience_s=900, texts_per_h_max=3)
    webhook.close()


@pytest.fixture
def texts(db: Database, gateway: ScriptedServer, sms: Sms) -> Callable[[str], list[str]]:
    """What a phone got so far."""
    texting = Texting(db, gateway, sms, no_start_pins)

    def read(number: str) -> list[str]:
        return [call["message"] for call in texting.calls() if call["to"] == number]

    return read


def opened(db: Database, rule: str = "payout_frozen", *subjects: str, page: bool = True) -> None:
    with db.transaction() as tx:
        for subject in subjects or ("BRZ2345678",):
            alerting._see(tx, rule, subject, "page" if page else "warn", "a contradiction")


def write(owner: Database, statement: str) -> None:
    with owner.transaction() as tx:
        tx.exec_driver_sql(statement)


def over(owner: Database, *, for_s: float) -> None:
    with owner.transaction() as tx:
        statement = sa.text("UPDATE alert SET cleared_at = now() - make_interval(secs => :for_s)")
        tx.execute(statement, {"for_s": for_s})


def posted(hook: ScriptedServer) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in hook.seen(HOOK)]


def kinds(hook: ScriptedServer) -> list[str]:
    return [one["kind"] for one in posted(hook)]


def proves(seen: Seen) -> bool:
    """What a receiver does to know that a notice is ours."""
    headers = {name.lower(): value for name, value in seen.headers.items()}
    signed = headers["baraza-timestamp"].encode() + b"." + seen.body
    wanted = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"sha256={wanted}", headers["baraza-signature"])


def test_a_page_is_posted_signed_and_texted_once(
    db: Database, notifier: Notifier, hook: ScriptedServer, texts: Callable[[str], list[str]]
) -> None:
    """With the first thing to do; who only escalations are for hears nothing yet."""
    opened(db)
    notifier.round()
    notifier.round()
    (seen,) = hook.seen(HOOK)
    assert proves(seen)
    (body,) = posted(hook)
    assert ("opened", "payout_frozen", "BRZ2345678", "page") == (
        body["kind"], body["rule"], body["subject"], body["severity"],
    )  # fmt: skip
    assert "baraza payouts show" in body["do"]
    assert ["BARAZA PAGE: payout_frozen: BRZ2345678. a contradiction"] == texts(DUTY)
    assert [] == texts(BOSS)


def test_a_warning_wakes_nobody(
    db: Database, notifier: Notifier, hook: ScriptedServer, texts: Callable[[str], list[str]]
) -> None:
    opened(db, "sms_late", page=False)
    notifier.round()
    assert ["opened"] == kinds(hook)
    assert [] == texts(DUTY)


def test_many_subjects_of_one_rule_are_one_text(
    db: Database, notifier: Notifier, texts: Callable[[str], list[str]]
) -> None:
    opened(db, "payout_frozen", *(f"BRZ234567{n}" for n in range(2, 10)))
    notifier.round()
    assert ["BARAZA PAGE: payout_frozen: BRZ2345672 and 7 more"] == texts(DUTY)


def test_the_last_text_of_an_hour_tells_of_all_the_rest(
    db: Database, owner_db: Database, notifier: Notifier, texts: Callable[[str], list[str]]
) -> None:
    """Then no more come until there is room again, and what is over by then is not told."""
    for rule in ("payout_frozen", "dead_letter", "float_low", "nobody_works"):
        opened(db, rule)
    notifier.round()
    assert 3 == len(texts(DUTY))
    assert "2 more alerts: nobody_works, payout_frozen." in texts(DUTY)[-1]
    opened(db, "callbacks_wait")
    notifier.round()
    assert 3 == len(texts(DUTY))
    write(owner_db, "UPDATE alert_notice SET sent_at = sent_at - interval '2 hours'")
    notifier.round()
    assert "callbacks_wait" in texts(DUTY)[-1]


def test_a_page_that_nobody_acknowledges_escalates_once(
    db: Database, owner_db: Database, notifier: Notifier, hook: ScriptedServer,
    texts: Callable[[str], list[str]],
) -> None:  # fmt: skip
    opened(db)
    notifier.round()
    write(owner_db, "UPDATE alert SET opened_at = now() - interval '16 minutes'")
    notifier.round()
    notifier.round()
    assert ["opened", "escalated"] == kinds(hook)
    assert 1 == len(texts(DUTY))
    (text,) = texts(BOSS)
    assert text.startswith("BARAZA: NOBODY IS AT IT: payout_frozen")
    with db.transaction() as tx:
        (one,) = alerting.listed(tx, with_cleared=False, limit=9)
    assert one.escalated_at is not None


def test_an_acknowledged_page_does_not_escalate(
    db: Database, owner_db: Database, notifier: Notifier, hook: ScriptedServer
) -> None:
    opened(db)
    notifier.round()
    with db.transaction() as tx:
        alerting.acknowledge(tx, "payout_frozen", None, reason="at it", by=AMINA)
    write(owner_db, "UPDATE alert SET opened_at = now() - interval '16 minutes'")
    notifier.round()
    assert ["opened"] == kinds(hook)


def test_that_it_is_over_is_told_once_to_whoever_was_told_that_it_began(
    db: Database, owner_db: Database, notifier: Notifier, hook: ScriptedServer,
    texts: Callable[[str], list[str]],
) -> None:  # fmt: skip
    """And only when it stays over: nothing is said of what flaps."""
    opened(db)
    notifier.round()
    for _ in range(3):
        over(owner_db, for_s=QUIET_S - 60)
        notifier.round()
        opened(db)
        notifier.round()
    assert ["opened"] == kinds(hook)
    over(owner_db, for_s=QUIET_S + 1)
    notifier.round()
    notifier.round()
    assert ["opened", "cleared"] == kinds(hook)
    assert "BARAZA: OVER: payout_frozen: BRZ2345678. a contradiction" == texts(DUTY)[-1]
    assert [] == texts(BOSS)


def test_what_is_over_before_it_could_be_told_is_told_to_nobody(
    db: Database, owner_db: Database, notifier: Notifier, hook: ScriptedServer
) -> None:
    """Unless it comes back within the quiet time."""
    opened(db)
    over(owner_db, for_s=5)
    notifier.round()
    assert [] == kinds(hook)
    opened(db)
    notifier.round()
    assert ["opened"] == kinds(hook)


def test_a_webhook_that_fails_is_tried_again_and_holds_up_no_text(
    db: Database, owner_db: Database, notifier: Notifier, hook: ScriptedServer,
    texts: Callable[[str], list[str]],
) -> None:  # fmt: skip
    """A redirect is a failure too: nobody is sent elsewhere with what we have to tell."""
    hook.on(HOOK, Reply(302, headers={"Location": hook.url + "/elsewhere"}), Reply(500), OK)
    opened(db)
    for _ in range(3):
        notifier.round()
        write(owner_db, "UPDATE alert_notice SET due_at = now() WHERE due_at IS NOT NULL")
    notifier.round()
    assert 3 == len(hook.seen(HOOK))
    assert [] == hook.seen("/elsewhere")
    assert 1 == len({one["notice"] for one in posted(hook)}), "by which a receiver knows repeats"
    assert 1 == len(texts(DUTY))


def test_a_gateway_without_credit_is_tried_again(
    db: Database, owner_db: Database, notifier: Notifier, gateway: ScriptedServer,
    texts: Callable[[str], list[str]],
) -> None:  # fmt: skip
    gateway.on(PATH, NO_CREDIT, accepted())
    opened(db)
    notifier.round()
    write(owner_db, "UPDATE alert_notice SET due_at = now() WHERE due_at IS NOT NULL")
    notifier.round()
    notifier.round()
    assert 2 == len(texts(DUTY))


class PowerCutError(BaseException):
    """Nothing can be done after it."""


def test_a_process_that_dies_after_sending_sends_it_once_more_and_no_further(
    db: Database, owner_db: Database, notifier: Notifier, hook: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The row is there before the call, so nothing is lost; the lease brings it back."""

    def die(*_: object) -> None:
        raise PowerCutError

    opened(db)
    monkeypatch.setattr(notifier, "_phones", {})
    monkeypatch.setattr(notifier, "_record", die)
    with suppress(PowerCutError):
        notifier.round()
    monkeypatch.undo()
    notifier.round()
    assert 1 == len(hook.seen(HOOK)), "its lease holds"
    assert LEASE_S <= 120
    pass_by = "UPDATE alert_notice SET due_at = due_at - interval '120 seconds'"
    write(owner_db, pass_by)
    notifier.round()
    write(owner_db, pass_by)
    notifier.round()
    assert 2 == len(hook.seen(HOOK))


def test_two_processes_tell_once(
    db: Database, notifier: Notifier, hook: ScriptedServer, texts: Callable[[str], list[str]]
) -> None:
    opened(db, "payout_frozen", "BRZ2345678", "BRZ2345679")
    others = [threading.Thread(target=notifier.round) for _ in range(3)]
    for one in others:
        one.start()
    for one in others:
        one.join()
    assert 2 == len(hook.seen(HOOK))
    assert 1 == len(texts(DUTY))


def test_without_channels_nothing_is_written(db: Database) -> None:
    opened(db)
    Notifier(db, webhook=None, phones={}, patience_s=1, texts_per_h_max=1).round()
    with db.transaction() as tx:
        assert 0 == tx.scalar(sa.text("SELECT count(*) FROM alert_notice"))


def test_every_text_is_one_segment() -> None:
    """However long the rule's words, and in letters that any phone shows."""
    subject = "a payout\u2019s entries \u20ac[x] " * 20
    long = Notice(
        id=1, kind="escalated", attempts=1, rule="invariant_broken", subject=subject,
        severity="page", detail=subject, opened_at=clock.now(), acknowledged_by=None,
        escalated_at=None, cleared_at=None,
    )  # fmt: skip
    for text in (
        notice_texts.of_one_rule([long]),
        notice_texts.of_one_rule([long, long]),
        notice_texts.of_many_rules([long] * 100),
        notice_texts.TEST_TEXT,
    ):
        assert ("gsm7", 1) == (segments(text).encoding, segments(text).count), text


def test_the_command_tests_every_channel(
    hook: ScriptedServer, gateway: ScriptedServer, database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """It says what came of each, and shows no number."""
    for name, value in {
        "DATABASE_URL": database_url, "REDIS_URL": "redis://127.0.0.1:1/0", "AT_URL": gateway.url,
        "ALERT_WEBHOOK_URL": hook.url + HOOK, "ALERT_WEBHOOK_SECRET": SECRET,
        "ALERT_PHONES": f"{DUTY},{BOSS}", "AT_READ_TIMEOUT_S": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    good = CliRunner().invoke(alerts, ["test"])
    assert 0 == good.exit_code, good.output
    assert ["test"] == kinds(hook)
    assert proves(hook.seen(HOOK)[0])
    assert all(name in good.output for name in ("webhook", "phone 1", "phone 2"))
    assert DUTY not in good.output
    gateway.on(PATH, Hang())
    bad = CliRunner().invoke(alerts, ["test", "--json"])
    assert 1 == bad.exit_code
    assert [False, False, True] == [one["told"] for one in json.loads(bad.output).values()]
