"""Asking M-PESA for the float: when, what is believed of the answer, and what it may do."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from app.audit import Actor
from app.db import Database
from app.operations import alerting
from app.payouts import float_watch
from app.providers import balance_queries, breaker, float_readings, pauses
from app.providers.balance_queries import Kind
from app.providers.breaker import Cause
from app.providers.daraja import BALANCE_PATH, PAY_PATH
from app.providers.pauses import Held
from tests.support.caring import care, result
from tests.support.http_script import Act, Reply, Reset
from tests.support.ledger import assert_coherent
from tests.support.working import Working, working

RESERVE_CENTS = 10_000_00
ACK = Reply(200, json.dumps({"ConversationID": "AG_1", "ResponseCode": "0"}).encode())
AMINA = Actor("command line", name="amina")


@pytest.fixture
def site(
    tmp_path: Path, db: Database, owner_db: Database, database_url: str, redis_url: str
) -> Iterator[Working]:
    with working(tmp_path, db=db, database_url=database_url, redis_url=redis_url) as made:
        made.safaricom.on(BALANCE_PATH, ACK)
        watch = replace(made.context.float_watch, reserve_cents=RESERVE_CENTS)
        yield replace(made, context=replace(made.context, float_watch=watch))
    assert_coherent(owner_db)


def write(site: Working, statement: str) -> None:
    with site.stories.db.transaction() as tx:
        tx.execute(sa.text(statement))


def pass_by(site: Working, minutes: int) -> None:
    """Let everything have happened so much earlier."""
    for table, column in (("provider_breaker", "changed_at"), ("balance_query", "asked_at")):
        back = f"{column} = {column} - interval '{minutes} minutes'"
        write(site, f"UPDATE {table} SET {back}")  # noqa: S608 - names of ours


def is_due(site: Working) -> bool:
    with site.stories.db.transaction() as tx:
        return float_watch.is_due(tx, site.context.settings)


def asked(site: Working) -> int:
    return len(site.safaricom.seen(BALANCE_PATH))


def ask(site: Working) -> UUID:
    """Ask, because a person wants to know. The question's id."""
    with site.stories.db.transaction() as tx:
        assert balance_queries.want(tx, by="amina")
    site.context.float_watch.run()
    with site.stories.db.transaction() as tx:
        found = tx.scalar(sa.text("SELECT id FROM balance_query ORDER BY asked_at DESC LIMIT 1"))
    assert isinstance(found, UUID)
    return found


def told(shillings: object, *, conversation: str = "AG_1", code: object = "0") -> object:
    accounts = f"Working Account|KES|1.00&Utility Account|KES|{shillings}|0.00|0.00"
    return {
        "Result": {
            "ResultType": "0",
            "ResultCode": code,
            "ConversationID": conversation,
            "ResultParameters": {"ResultParameter": {"Key": "AccountBalance", "Value": accounts}},
        }
    }


def comes(site: Working, query: UUID, body: object, kind: Kind = Kind.RESULT) -> bool:
    """An answer comes and is worked. Whether it was taken in."""
    with site.stories.db.transaction() as tx:
        taken = balance_queries.file(tx, query_id=query, kind=kind, body=body, source="test")
    site.context.float_watch.run()
    return taken


def readings(site: Working) -> list[int]:
    with site.stories.db.transaction() as tx:
        return list(tx.scalars(sa.text("SELECT cents FROM float_reading ORDER BY id")))


def verdicts(site: Working) -> list[str]:
    with site.stories.db.transaction() as tx:
        return list(tx.scalars(sa.text("SELECT verdict FROM balance_answer ORDER BY id")))


def empty(site: Working) -> None:
    with site.stories.db.transaction() as tx:
        breaker.open_for(tx, Cause.FLOAT, code=None, probe_about=None)


def test_a_quarter_of_an_hour_without_news_is_a_reason_to_ask(site: Working) -> None:
    """One question, whoever rings how often; a payout's own result is news too."""
    pass_by(site, 14)
    assert not is_due(site)
    pass_by(site, 2)
    with site.stories.db.transaction() as tx:
        float_readings.keep(tx, cents=1, said_at=None, reference="BRZ2345678")
    assert not is_due(site)
    empty(site)  # from now on no payout tells anything
    assert not is_due(site)
    pass_by(site, 2)
    assert is_due(site)
    site.timekeeper.tick()
    assert {"ask": 1} == site.rung()
    for _ in range(2):
        site.context.float_watch.run()
    assert (1, False) == (asked(site), is_due(site))


def test_it_is_off_but_for_people_who_want_to_know(site: Working) -> None:
    settings = site.context.settings.model_copy(update={"float_ask_every_min": 0})
    off = replace(site.context, settings=settings)
    off = replace(off, float_watch=replace(site.context.float_watch, settings=settings))
    site = replace(site, context=off)
    empty(site)
    pass_by(site, 10_000)
    site.context.float_watch.run()
    assert (0, False) == (asked(site), is_due(site))
    ask(site)
    assert 1 == asked(site)


@pytest.mark.parametrize("held", ["hold", "login"])
def test_nothing_is_asked_while_questions_are_held_back_or_our_login_is_at_stake(
    site: Working, held: str
) -> None:
    with site.stories.db.transaction() as tx:
        balance_queries.want(tx, by="amina")
        if held == "hold":
            pauses.pause(tx, Held.ASK, reason="maintenance", by=AMINA, for_s=600)
        else:
            breaker.open_for(tx, Cause.LOGIN, code="8006", probe_about=None)
    assert not is_due(site)
    site.context.float_watch.run()
    assert 0 == asked(site)


def test_a_fresh_balance_lets_payouts_go_on(site: Working) -> None:
    """One that is too low does not, and one that was looked up before is none."""
    before = ask(site)
    empty(site)
    assert comes(site, before, told("50000.00"))
    assert care(site).is_open
    assert comes(site, ask(site), told("9999.99"))
    assert care(site).is_open
    assert comes(site, ask(site), told("10000.00"))
    assert not care(site).is_open
    assert [50_000_00, 9_999_99, 10_000_00] == readings(site)


def test_what_a_refused_payout_asked_for_must_be_there(site: Working) -> None:
    """Or the next one of its size would fail like it, with no reserve set or a small one."""
    watch = replace(site.context.float_watch, reserve_cents=0)
    site = replace(site, context=replace(site.context, float_watch=watch))
    reference = site.stories.reserved()
    site.context.pay.run()
    site.context.resolve.run()
    result(site, reference, "1")
    assert Cause.FLOAT is care(site).cause
    comes(site, ask(site), told("1499.99"))
    assert care(site).is_open
    comes(site, ask(site), told("1500.00"))
    assert not care(site).is_open


def test_a_balance_below_the_reserve_stops_payouts_before_one_fails(site: Working) -> None:
    comes(site, ask(site), told("9999.99"))
    assert Cause.FLOAT is care(site).cause
    waits = site.stories.reserved()
    site.context.pay.run()
    assert ("reserved", []) == (site.stories.state(waits), site.safaricom.seen(PAY_PATH))


def test_only_the_first_answer_counts(site: Working) -> None:
    """A copy is counted, another one is kept and believed in nothing."""
    query = ask(site)
    for body in (told("5.00"), told("5.00"), told("50000.00")):
        assert comes(site, query, body)
    assert [5_00] == readings(site)
    assert ["told", "does not fit"] == verdicts(site)


def test_an_answer_with_another_conversation_id_is_not_believed(site: Working) -> None:
    """And takes nothing away from the true one."""
    query = ask(site)
    comes(site, query, told("50000.00", conversation="AG_2"))
    comes(site, query, {"Result": "?"})
    assert [] == readings(site)
    comes(site, query, told("50000.00"))
    assert [50_000_00] == readings(site)


def test_nothing_is_taken_in_for_what_was_never_asked(site: Working) -> None:
    """An unknown id, and a question that no worker has asked yet."""
    assert not comes(site, uuid4(), told("50000.00"))
    with site.stories.db.transaction() as tx:
        balance_queries.want(tx, by="amina")
        wanted = tx.scalar(sa.text("SELECT id FROM balance_query"))
        assert not balance_queries.file(
            tx, query_id=wanted, kind=Kind.RESULT, body=told("1"), source="test"
        )


@pytest.mark.parametrize("act", [Reset(), Reply(500, b"{}")])
def test_a_lost_acknowledgement_loses_no_answer(site: Working, act: Act) -> None:
    """No other question goes out meanwhile; if nothing comes, one does later."""
    site.safaricom.on(BALANCE_PATH, act)
    query = ask(site)
    empty(site)
    pass_by(site, 1)
    assert not is_due(site)
    pass_by(site, 2)
    assert is_due(site)
    site.safaricom.on(BALANCE_PATH, ACK)
    site.context.float_watch.run()
    assert 2 == asked(site)
    comes(site, query, told("9.00", conversation="AG_9"))
    assert [9_00] == readings(site)


def test_a_timeout_notice_is_no_answer(site: Working) -> None:
    """The next question may go out; the true answer may still come."""
    query = ask(site)
    comes(site, query, {"CommandID": "AccountBalance"}, Kind.TIMEOUT)
    comes(site, query, told("50000.00"))
    assert ["timed out", "told"] == verdicts(site)
    ask(site)
    assert (2, [50_000_00]) == (asked(site), readings(site))


def test_a_refused_login_stops_everything_and_a_missing_role_nothing(site: Working) -> None:
    """Each question more could lock our initiator."""
    comes(site, ask(site), told("50000.00", code=21))
    assert not care(site).is_open
    comes(site, ask(site), told("50000.00", code=2001))
    now = care(site)
    assert (Cause.LOGIN, "2001") == (now.cause, now.code)
    assert [] == readings(site)


def test_questions_that_bring_nothing_are_an_alert(site: Working) -> None:
    (rule,) = [rule for rule in alerting.rules() if rule.name == "float_untold"]

    def findings() -> int:
        with site.stories.db.transaction() as tx:
            return len(alerting.findings(tx, rule))

    for _ in range(3):
        assert 0 == findings()
        comes(site, ask(site), told("1.00", code=21))
    assert 1 == findings()
    comes(site, ask(site), told("50000.00"))
    assert 0 == findings()
