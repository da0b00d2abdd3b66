"""Holds on one kind of call, the rate of calls, and the command that shows and sets them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from app.audit import Actor
from app.cli import main
from app.db import Database
from app.doorbell import Step
from app.messages import outbox, sending
from app.payouts import overdue
from app.providers import breaker, float_readings, pauses, throttle
from app.providers.breaker import Cause
from app.providers.daraja import PAY_PATH, STATUS_PATH
from app.providers.pauses import Held, NotPaused
from tests.support.databases import Logins
from tests.support.http_script import Reply, closed_port
from tests.support.ledger import assert_coherent
from tests.support.stories import Stories
from tests.support.working import Working, working

AMINA = Actor("command line", name="amina")


@pytest.fixture
def site(
    tmp_path: Path, db: Database, owner_db: Database, database_url: str, redis_url: str
) -> Iterator[Working]:
    with working(tmp_path, db=db, database_url=database_url, redis_url=redis_url) as made:
        yield made
    assert_coherent(owner_db)


def hold(stories: Stories, step: Held, *, for_s: int = 600) -> None:
    with stories.db.transaction() as tx:
        pauses.pause(tx, step, reason="maintenance", by=AMINA, for_s=for_s)


def due(stories: Stories) -> set[Step]:
    with stories.db.transaction() as tx:
        return overdue.steps(tx)


def calls(site: Working, path: str = PAY_PATH) -> int:
    return len(site.safaricom.seen(path))


def in_the_bucket(stories: Stories, tokens: float, *, calls_per_s: float = 0.001) -> None:
    with stories.db.transaction() as tx:
        tx.execute(
            sa.text(
                "UPDATE provider_rate SET tokens = :tokens, calls_per_s = :rate,"
                " filled_at = clock_timestamp(), slowed_at = clock_timestamp() - interval '5 s'"
            ),
            {"tokens": tokens, "rate": calls_per_s},
        )


# -- holds -----------------------------------------------------------------------------------------


def test_a_hold_on_payouts_ends_by_itself(site: Working, owner_db: Database) -> None:
    """Payouts are debited and wait, resends go on; at its end they are due without anybody."""
    hold(site.stories, Held.PAY)
    waits, doubted = site.stories.reserved(), site.stories.in_doubt()
    assert set() == due(site.stories)
    site.context.pay.run()
    site.context.pay.alone(waits)
    assert 0 == calls(site)
    site.stories.write(
        "UPDATE payout SET resend_due_at = now() WHERE reference = :reference", doubted
    )
    site.context.pay.run()
    assert 1 == calls(site)
    assert "reserved" == site.stories.state(waits)
    with owner_db.transaction() as tx:
        tx.execute(
            sa.text(
                "UPDATE provider_pause SET until = now(), paused_at = now() - interval '1 hour'"
            )
        )
    assert Step.PAY in due(site.stories)


def test_a_hold_on_questions_and_on_texts(site: Working) -> None:
    asked = site.stories.submitted()
    site.stories.write("UPDATE payout SET ask_due_at = now() WHERE reference = :reference", asked)
    hold(site.stories, Held.ASK)
    assert set() == due(site.stories)
    site.context.ask.run()
    site.context.ask.alone(asked)
    assert 0 == calls(site, STATUS_PATH)
    site.stories.pay(asked)
    hold(site.stories, Held.SMS)
    with site.stories.db.transaction() as tx:
        assert not outbox.waiting(tx)
        assert [] == sending.claim(tx, worker="w", limit=5)
        pauses.resume(tx, Held.SMS, reason="over", by=AMINA)
        assert outbox.waiting(tx)


def test_a_new_hold_takes_the_place_of_the_old_one(db: Database) -> None:
    with db.transaction() as tx:
        pauses.pause(tx, Held.PAY, reason="first", by=AMINA, for_s=60)
        pauses.pause(tx, Held.PAY, reason="longer", by=AMINA, for_s=600)
        assert ["longer"] == [one.reason for one in pauses.in_force(tx)]
        assert not pauses.resume(tx, Held.PAY, reason="over", by=AMINA)
        with pytest.raises(NotPaused):
            pauses.resume(tx, Held.PAY, reason="again", by=AMINA)
        acts = tx.scalars(sa.text("SELECT action FROM staff_action ORDER BY id"))
        assert ["provider_paused", "provider_paused", "provider_resumed"] == list(acts)


# -- the rate --------------------------------------------------------------------------------------


def test_no_more_payouts_are_claimed_than_there_are_tokens(site: Working) -> None:
    """The others stay as they were, and nobody is rung for until there is a token again."""
    waiting = [site.stories.reserved() for _ in range(4)]
    in_the_bucket(site.stories, 3.5)
    site.context.pay.run()
    assert 3 == calls(site)
    assert 1 == [site.stories.state(one) for one in waiting].count("reserved")
    assert Step.PAY not in due(site.stories)
    site.context.pay.run()
    assert 3 == calls(site)
    in_the_bucket(site.stories, 1)
    assert Step.PAY in due(site.stories)
    site.context.pay.run()
    assert 4 == calls(site)


def test_a_payout_worked_alone_gets_its_call(site: Working) -> None:
    """It must not pass for done without one."""
    reference = site.stories.reserved()
    in_the_bucket(site.stories, 0)
    site.context.pay.alone(reference)
    assert 1 == calls(site)


@pytest.mark.parametrize(
    "answer",
    [
        Reply(429, b""),
        Reply(500, b'{"errorCode": "500.003.02", "errorMessage": "Spike arrest violation"}'),
    ],
)
def test_mpesas_word_that_we_call_too_often_halves_the_rate(site: Working, answer: Reply) -> None:
    """Once for a burst, however many of its calls are told; and it opens no breaker."""
    site.safaricom.on(PAY_PATH, answer)
    for _ in range(6):
        site.stories.reserved()
    site.context.pay.run()
    with site.stories.db.transaction() as tx:
        assert 10 == round(throttle.current(tx).calls_per_s)
        assert not breaker.current(tx).is_open


# -- the command -----------------------------------------------------------------------------------


class Typed:
    """A shell with Baraza's settings in it."""

    def __call__(self, *arguments: str) -> Result:
        """Type `baraza providers` and these."""
        return CliRunner().invoke(main, ["providers", *arguments])


@pytest.fixture
def run(database_logins: Logins, monkeypatch: pytest.MonkeyPatch) -> Typed:
    monkeypatch.setenv("DATABASE_URL", database_logins.application)
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{closed_port()}/0")
    return Typed()


def test_an_operator_sees_and_sets_holds(run: Typed) -> None:
    quiet = run("status").output
    assert "Breaker: closed." in quiet
    assert "Held back: nothing." in quiet
    made = run("pause", "pay", "--reason", "maintenance", "--for", "30m")
    assert 0 == made.exit_code, made.output
    told = run("status").output
    assert "Held back: pay until" in told
    assert "`baraza providers resume pay" in told
    status = json.loads(run("status", "--json").output)
    assert "maintenance" == status["pauses"][0]["reason"]
    assert "pay goes on." in run("resume", "pay", "--reason", "over").output
    assert "PRV-11" in run("resume", "pay", "--reason", "again").output


def test_a_person_closes_the_breaker(run: Typed, db: Database) -> None:
    """The status says what to do first."""
    with db.transaction() as tx:
        breaker.open_for(tx, Cause.FLOAT, code="1", probe_about=None)
    told = run("status").output
    assert "float, code 1" in told
    assert "Top it up" in told
    assert "is closed now" in run("resume", "pay", "--reason", "topped up").output
    assert "Breaker: closed." in run("status").output


def test_the_float_is_shown_with_its_age_and_source(run: Typed, db: Database) -> None:
    """And a worker can be told to ask for it, once."""
    assert "Float on M-PESA: never told." in run("status").output
    assert "will be asked" in run("ask-float").output
    assert "asked already" in run("ask-float").output
    assert "Last asked for: not yet; it waits for a worker." in run("status").output
    with db.transaction() as tx:
        float_readings.keep(tx, cents=812_50, said_at=None, reference="BRZ2345678")
    told = run("status").output
    assert "KES 812.50 at" in told
    assert "(0 min ago), told with BRZ2345678." in told
    with db.transaction() as tx:
        float_readings.keep(tx, cents=900_00, said_at=None)
    assert "told when it was asked." in run("status").output


@pytest.mark.parametrize("length", ["0m", "30", "8d", "an hour", "-1h"])
def test_a_hold_has_an_end(run: Typed, length: str) -> None:
    assert 2 == run("pause", "pay", "--reason", "maintenance", "--for", length).exit_code
