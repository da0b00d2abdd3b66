"""The pay step against real servers: which calls are made, when, and what is kept of them."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from app import config
from app.db import Database
from app.doorbell import Step
from app.payouts import claims, due
from app.payouts.pay import Pay
from app.providers.daraja import PAY_PATH, Accepted, Daraja, NotSent
from app.providers.tokens import TOKEN_PATH, Tokens
from tests.support.http_script import Reply, ScriptedServer, scripted_server
from tests.support.safaricom import new_key, write_certificate
from tests.support.stories import SCHEDULE, Stories

ACKNOWLEDGED = json.dumps({"ConversationID": "AG_1", "ResponseCode": "0"}).encode()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("certificate"), new_key())


@pytest.fixture
def safaricom() -> Iterator[ScriptedServer]:
    """Grants a token and takes every request."""
    with scripted_server() as script:
        script.on(TOKEN_PATH, Reply(200, b'{"access_token": "token", "expires_in": "3599"}'))
        script.on(PAY_PATH, Reply(200, ACKNOWLEDGED))
        yield script


@pytest.fixture
def stories(db: Database, redis_url: str) -> Stories:
    return Stories(db, redis_url)


@pytest.fixture
def sender(
    db: Database, stories: Stories, safaricom: ScriptedServer, certificate: Path
) -> Iterator[Pay]:
    daraja = Daraja(
        base_url=safaricom.url,
        shortcode="600999",
        initiator="barazaapi",
        initiator_password="play money",
        certificate=certificate,
        tokens=Tokens(
            db=db,
            base_url=safaricom.url,
            consumer_key="key",
            consumer_secret="secret",
            encryption_key="a key that is not in the database",
        ),
        connect_timeout_s=2,
        read_timeout_s=5,
        calls_max=4,
    )
    with ThreadPoolExecutor(4) as pool:
        yield Pay(db, stories.doorbell, daraja, config.load({}), SCHEDULE, pool, "a worker")
    daraja.close()


def outcomes(db: Database) -> list[str | None]:
    with db.transaction() as tx:
        return list(tx.scalars(sa.text("SELECT outcome FROM attempt ORDER BY id")))


def planned(stories: Stories, reference: str, *, first_call: str, resend: str) -> None:
    stories.write(
        f"UPDATE payout SET first_call_at = now() - interval '{first_call}',"  # noqa: S608
        f" resend_due_at = {resend} WHERE reference = :reference",
        reference,
    )


def test_a_resend_in_time_is_made(stories: Stories, sender: Pay, safaricom: ScriptedServer) -> None:
    """The last one is planned 30 seconds after the first call; some lateness is no harm."""
    reference = stories.in_doubt()
    planned(stories, reference, first_call="40 s", resend="now() - interval '10 s'")
    assert (reference,) == sender.run().references
    assert 1 == len(safaricom.seen(PAY_PATH))


def test_a_resend_that_was_held_up_for_a_day_is_never_made(
    stories: Stories, sender: Pay, safaricom: ScriptedServer
) -> None:
    """All workers were down; by now M-PESA may have forgotten the id and would pay again."""
    reference = stories.in_doubt()
    planned(stories, reference, first_call="1 day", resend="now() - interval '1 day'")
    assert () == sender.run().references
    assert [] == safaricom.seen(PAY_PATH)
    with sender.db.transaction() as tx:
        assert tx.scalar(sa.text("SELECT resend_due_at FROM payout")) is None


def test_a_job_of_its_own_sends_nothing_that_is_not_due(
    stories: Stories, sender: Pay, safaricom: ScriptedServer
) -> None:
    """`pay-BRZ…` comes from Redis: twice, days late, or put back by hand."""
    on_the_wire = stories.called()
    in_doubt = stories.in_doubt()
    planned(stories, in_doubt, first_call="3 days", resend="NULL")
    for reference in (on_the_wire, in_doubt):
        assert () == sender.alone(reference).references
    assert [] == safaricom.seen(PAY_PATH)


def test_a_job_of_its_own_sends_what_is_due_once(
    stories: Stories, sender: Pay, safaricom: ScriptedServer
) -> None:
    """The second run finds the call already committed."""
    reference = stories.reserved()
    assert (reference,) == sender.alone(reference).references
    assert () == sender.alone(reference).references
    assert 1 == len(safaricom.seen(PAY_PATH))


@contextmanager
def cut_off_while_recording(owner_db: Database) -> Iterator[None]:
    """Whoever records an outcome in this block waits, and loses the connection at its end."""
    with owner_db.transaction() as tx:
        tx.execute(sa.text("LOCK TABLE attempt IN ACCESS EXCLUSIVE MODE"))
        yield
        tx.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
        )


def waits_for_a_lock(owner_db: Database) -> bool:
    with owner_db.transaction() as tx:
        query = (
            "SELECT EXISTS (SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock')"
        )
        return tx.scalar(sa.text(query)) is True


def test_an_acknowledgement_outlives_a_broken_connection(
    stories: Stories, sender: Pay, safaricom: ScriptedServer, db: Database, owner_db: Database
) -> None:
    """PostgreSQL restarts while the answer is being kept: it is kept afterwards, once."""
    stories.reserved()
    safaricom.on(PAY_PATH, Reply(200, ACKNOWLEDGED, after_s=0.5))
    work = threading.Thread(target=sender.run)
    work.start()
    while not safaricom.seen(PAY_PATH):
        time.sleep(0.01)
    with cut_off_while_recording(owner_db):
        until = time.monotonic() + 5
        while not waits_for_a_lock(owner_db):
            assert time.monotonic() < until, "the outcome is not being recorded"
            time.sleep(0.02)
    work.join()
    assert ["accepted"] == outcomes(db)
    with db.transaction() as tx:
        query = "SELECT class FROM evidence WHERE source = 'ack'"
        assert ["accepted"] == list(tx.scalars(sa.text(query)))


def test_a_worker_that_slept_past_its_claim_does_not_call(
    stories: Stories, sender: Pay, safaricom: ScriptedServer, db: Database
) -> None:
    """By the time it wakes, others have done the work, and M-PESA may have forgotten the id."""
    stories.reserved()
    with db.transaction() as tx:
        payout = claims.take(tx, due.claim(Step.PAY), limit=1, order="p.id")
        [call] = sender.intend(tx, payout)
    assert NotSent("the worker slept past its claim") == sender._one_call(
        replace(call, start_before=call.start_before - SCHEDULE.lease_s)
    )
    assert [] == safaricom.seen(PAY_PATH)
    assert Accepted("AG_1") == sender._one_call(call)


def test_an_outcome_is_kept_once(stories: Stories, sender: Pay, db: Database) -> None:
    """A commit whose answer was lost may have been kept; the repeat adds no second evidence."""
    stories.reserved()
    with db.transaction() as tx:
        payout = claims.take(tx, due.claim(Step.PAY), limit=1, order="p.id")
        [call] = sender.intend(tx, payout)
    outcome = sender.provider.pay(call.request)
    for _ in range(2):
        sender._keep([(call, outcome)])
    with db.transaction() as tx:
        assert 1 == tx.scalar(sa.text("SELECT count(*) FROM evidence"))
