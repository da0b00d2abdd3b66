"""Debit and call's intent in one transaction, where nothing is in the way; else each by itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from app import audit
from app.db import Database
from app.doorbell import Step
from app.ledger import liens
from app.payouts import switch
from app.payouts.claims import BATCH_MAX
from app.payouts.pay import Pay
from app.providers import pauses, throttle
from app.providers.daraja import PAY_PATH
from app.providers.pauses import Held
from tests.support.ledger import assert_coherent
from tests.support.stories import SAVINGS_CENTS
from tests.support.working import Working, working

SOMEBODY = audit.operator()
FEW = {"daraja_calls_max": 2}


@pytest.fixture
def site(
    tmp_path: Path, db: Database, owner_db: Database, database_url: str, redis_url: str
) -> Iterator[Working]:
    with working(tmp_path, db=db, database_url=database_url, redis_url=redis_url) as made:
        yield made
    assert_coherent(owner_db)


def sent(site: Working) -> int:
    return len(site.safaricom.seen(PAY_PATH))


def test_a_lone_payout_goes_out_by_one_commit(site: Working, db: Database) -> None:
    reference = site.stories.requested()
    report = site.context.straight.run()
    assert (reference,) == report.references
    assert 1 == sent(site)
    with db.transaction() as tx:
        moves = tx.execute(
            sa.text("SELECT to_state, xmin::text FROM payout_event WHERE version > 1 ORDER BY 1")
        ).all()
    assert ["reserved", "submitting"] == [move.to_state for move in moves]
    assert 1 == len({move.xmin for move in moves})
    assert {"resolve": 1} == site.rung()


def test_what_savings_do_not_cover_is_declined_and_told(site: Working, db: Database) -> None:
    """The door saw enough; meanwhile it went elsewhere."""
    reference = site.stories.requested()
    with db.transaction() as tx:
        account = tx.scalar(sa.text("SELECT account_id FROM payout"))
        assert account is not None
        liens.place(tx, account=account, cents=SAVINGS_CENTS, reason="a test")
    site.context.straight.run()
    assert "declined" == site.stories.state(reference)
    assert 0 == sent(site)
    assert {"sms": 1} == site.rung()


def test_a_payout_that_waits_for_a_sim_check_is_not_sent(site: Working) -> None:
    reference = site.stories.requested()
    careful = replace(site.context.debit, checks_sim=True)
    replace(site.context.straight, debit=careful).run()
    assert "reserved" == site.stories.state(reference)
    assert 0 == sent(site)
    assert 1 == site.rung()["check"]


def test_while_payouts_are_held_back_they_are_debited_and_wait(site: Working) -> None:
    reference = site.stories.requested()
    with site.context.db.transaction() as tx:
        pauses.pause(tx, Held.PAY, reason="a test", by=SOMEBODY, for_s=60)
    site.context.straight.run()
    assert "reserved" == site.stories.state(reference)
    assert 0 == sent(site)


def test_while_withdrawals_are_stopped_nothing_is_touched(site: Working) -> None:
    reference = site.stories.requested()
    with site.context.db.transaction() as tx:
        switch.stop(tx, reason="a test", by=SOMEBODY)
    site.context.straight.run()
    assert "requested" == site.stories.state(reference)
    assert 0 == sent(site)


def test_more_than_a_wave_leaves_the_rest_for_the_pay_step(site: Working) -> None:
    few = replace(site.context.pay, settings=site.context.settings.model_copy(update=FEW))
    references = [site.stories.requested() for _ in range(3)]
    replace(site.context.straight, pay=few).run()
    assert ["reserved", "submitting", "submitting"] == sorted(map(site.stories.state, references))
    assert 2 == sent(site)
    assert 1 == site.rung()["pay"]


def test_one_that_cannot_be_moved_on_holds_up_nobody(site: Working, owner_db: Database) -> None:
    """The whole is rolled back; then each step finds out by itself which of them it was."""
    references = [site.stories.requested() for _ in range(3)]
    with owner_db.transaction() as tx:
        tx.execute(
            sa.text(
                "CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE EXCEPTION 'planted'; END $$"
            )
        )
        tx.execute(
            sa.text(
                "CREATE TRIGGER planted AFTER UPDATE ON payout FOR EACH ROW"
                f" WHEN (NEW.state = 'submitting' AND NEW.reference = '{references[1]}')"
                " EXECUTE FUNCTION planted()"
            )
        )
    site.context.straight.run()
    assert {"reserved"} == {site.stories.state(reference) for reference in references}
    assert 0 == sent(site)
    site.answer(Step.PAY)
    states = [site.stories.state(reference) for reference in references]
    assert ["submitting", "reserved", "submitting"] == states
    assert 2 == sent(site)


class Death(BaseException):
    """The process is gone: nothing after this line of it ever runs."""


@contextmanager
def dying_at(patch: pytest.MonkeyPatch, place: object, name: str) -> Iterator[None]:
    """Whatever comes by this function is gone."""

    def die(*_: object, **__: object) -> None:
        raise Death

    with patch.context() as planted:
        planted.setattr(place, name, die)
        with pytest.raises(Death):
            yield


def test_who_dies_between_the_commit_and_the_call_leaves_a_doubt(
    site: Working, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can know whether the request left: it is asked about, and sent under its one id."""
    reference = site.stories.requested()
    with dying_at(monkeypatch, Pay, "call"):
        site.context.straight.run()
    for step in (site.context.straight, site.context.pay, site.context.resolve):
        step.run()
    assert "submitting" == site.stories.state(reference)
    site.stories.write(
        "UPDATE payout SET doubt_due_at = now() WHERE reference = :reference", reference
    )
    site.context.resolve.run()
    assert "in_doubt" == site.stories.state(reference)
    assert 0 == sent(site)
    with site.context.db.transaction() as tx:
        planned = tx.execute(sa.text("SELECT resend_due_at, ask_due_at FROM payout")).one()
    assert None not in planned


def test_who_dies_before_the_commit_has_done_nothing(
    site: Working, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the debit nor the call's intent; whoever comes next does both."""
    reference = site.stories.requested()
    with dying_at(monkeypatch, throttle, "take"):
        site.context.straight.run()
    assert "requested" == site.stories.state(reference)
    site.context.straight.run()
    assert "submitting" == site.stories.state(reference)
    assert 1 == sent(site)


def test_a_full_batch_rings_for_the_others(site: Working) -> None:
    for _ in range(BATCH_MAX + 1):
        site.stories.requested()
    report = site.context.straight.run()
    assert report.is_full
    assert 1 == site.rung()["debit"]
