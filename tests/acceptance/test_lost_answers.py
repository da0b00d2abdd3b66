"""Timeouts, doubled, early and late messages: never paid twice, never refunded wrongly."""

import pytest
import sqlalchemy as sa

from app.db import Database
from tests.acceptance.test_withdrawals import AMINA, reaches, state
from tests.support.stack import Stack, wait_for


def paid_times(baraza: Stack) -> list[int]:
    return [record["times"] for record in baraza.paid()["by_ocid"].values()]


def test_read_timeout_with_the_payment_made(baraza: Stack, db: Database) -> None:
    """M-PESA pays and its answer is lost: paid once, settled, however it became known."""
    baraza.fault({"api": "b2c"}, "hang_then_pay")
    reference = baraza.withdraw(AMINA, 1500)
    reaches(db, reference, "paid", seconds=30)
    assert paid_times(baraza) == [1]


def test_read_timeout_with_the_payment_not_made(baraza: Stack, db: Database) -> None:
    """The request is lost: the same request, under the same id, is sent again and paid once."""
    baraza.fault({"api": "b2c"}, "hang_and_drop")
    reference = baraza.withdraw(AMINA, 1500)
    reaches(db, reference, "paid", seconds=30)
    assert paid_times(baraza) == [1]
    with db.transaction() as tx:
        assert tx.scalar(sa.text("SELECT count(*) FROM attempt")) == 2


def test_a_refused_resend_says_nothing_about_the_first_call(baraza: Stack, db: Database) -> None:
    """Call 1 times out and pays, the resend gets a 400: never reversed, settled by a status."""
    baraza.fault({"api": "b2c"}, "hang_then_pay")
    baraza.fault({"api": "b2c"}, "bad_request")
    reference = baraza.withdraw(AMINA, 1500)
    wait_for(
        "the resend refused",
        lambda: _outcomes(db) == ["in_doubt", "refused"],
        seconds=20,
    )
    assert state(db, reference) in {"in_doubt", "paid"}
    reaches(db, reference, "paid", seconds=30)
    assert paid_times(baraza) == [1]


def _outcomes(db: Database) -> list[str]:
    with db.transaction() as tx:
        return list(tx.scalars(sa.text("SELECT outcome FROM attempt ORDER BY n")))


@pytest.mark.parametrize("behaviour", ["callback_before_ack", "callback_twice"])
def test_callbacks_early_and_twice(baraza: Stack, db: Database, behaviour: str) -> None:
    """Paid once, settled once, one receipt, whatever the order of the messages."""
    baraza.fault({"api": "b2c"}, behaviour)
    reference = baraza.withdraw(AMINA, 1500)
    reaches(db, reference, "paid")
    texts = wait_for(
        "a receipt", lambda: [m for m in baraza.phone(AMINA).inbox() if reference in m.text]
    )
    assert len(texts) == 1
    assert paid_times(baraza) == [1]


def test_not_found_for_ever_waits_for_a_person(baraza: Stack, db: Database) -> None:
    """Every call is lost and M-PESA knows nothing: in doubt, never reversed by time."""
    baraza.fault({"api": "b2c"}, "hang_and_drop", times=10)
    reference = baraza.withdraw(AMINA, 1500)
    wait_for("the resend window closed", lambda: _window_is_closed(db), seconds=30)
    calls = _outcomes(db)
    told = _answers(db, "not_known_now")
    wait_for(
        "two more answers that it does not exist",
        lambda: _answers(db, "not_known_now") >= told + 2,
        seconds=30,
    )
    assert state(db, reference) == "in_doubt"
    assert _outcomes(db) == calls
    assert set(calls) == {"in_doubt"}


def _window_is_closed(db: Database) -> bool:
    with db.transaction() as tx:
        return bool(
            tx.scalar(
                sa.text(
                    "SELECT state = 'in_doubt' AND resend_due_at IS NULL"
                    " AND first_call_at < now() - interval '6 seconds'"
                    " AND NOT EXISTS (SELECT FROM attempt WHERE outcome IS NULL) FROM payout"
                )
            )
        )


def _answers(db: Database, of: str) -> int:
    with db.transaction() as tx:
        return int(
            tx.scalar(sa.text("SELECT count(*) FROM evidence WHERE class = :c"), {"c": of}) or 0
        )
