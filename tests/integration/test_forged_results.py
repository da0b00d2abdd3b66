"""Results that do not fit, under a token that does: they freeze or ask, and never move money."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from app.db import Database
from app.ledger import chart, statements
from tests.support import web_site
from tests.support.ledger import assert_coherent
from tests.support.stories import Stories
from tests.support.web_site import Callbacks, loaded


@pytest.fixture
def mpesa(
    db: Database, owner_db: Database, database_url: str, redis_url: str
) -> Iterator[Callbacks]:
    settings = loaded(database_url, redis_url)
    with web_site.serving(settings) as url:
        yield Callbacks(url, settings, Stories(db, redis_url))
    assert_coherent(owner_db)


def test_a_success_that_does_not_fit_freezes_and_pays_nothing(mpesa: Callbacks) -> None:
    """Someone lies, or M-PESA paid somebody else: no machine decides that, now or later."""
    forged: list[dict[str, Any]] = [
        {"shillings": 1501},
        {"shillings": 1499.5},
        {"phone": "254799000001"},
    ]
    references = [mpesa.stories.submitted() for _ in forged]
    for reference, lie in zip(references, forged, strict=True):
        mpesa.post(mpesa.path(mpesa.id_of(reference)), mpesa.success(reference, **lie))
    mpesa.stories.resolve()
    facts = "SELECT state, frozen FROM payout"
    assert 3 * [("submitted", True)] == mpesa.rows(facts)
    assert [("amount",), ("amount",), ("phone",)] == mpesa.rows(
        "SELECT detail FROM evidence WHERE class = 'contradiction' ORDER BY id"
    )
    for reference in references:
        mpesa.post(mpesa.path(mpesa.id_of(reference)), mpesa.success(reference))
    mpesa.stories.resolve()
    assert 3 * [("submitted", True)] == mpesa.rows(facts)
    assert_nothing_was_paid(mpesa)


def test_a_success_for_a_payout_that_was_never_sent_freezes_it(mpesa: Callbacks) -> None:
    """The amount and the number are right, and yet nobody asked M-PESA."""
    reference = mpesa.stories.reserved()
    mpesa.post(mpesa.path(mpesa.id_of(reference)), mpesa.success(reference))
    mpesa.stories.resolve()
    assert [("reserved", True)] == mpesa.rows("SELECT state, frozen FROM payout")
    assert_nothing_was_paid(mpesa)


def test_a_success_without_its_marks_is_a_doubt(mpesa: Callbacks) -> None:
    """It settles nothing; M-PESA is asked."""
    forged: list[dict[str, Any]] = [
        {"ConversationID": "AG_of_another"},
        {"OriginatorConversationID": str(uuid.uuid4())},
        {"ResultParameters": {}},
        {"ResultType": 1},
    ]
    for lie in forged:
        reference = mpesa.stories.submitted()
        mpesa.post(mpesa.path(mpesa.id_of(reference)), mpesa.success(reference, **lie))
    mpesa.stories.resolve()
    assert 4 * [("in_doubt", False, True)] == mpesa.rows(
        "SELECT state, frozen, ask_due_at IS NOT NULL FROM payout"
    )
    assert_nothing_was_paid(mpesa)


def test_another_payouts_receipt_pays_nothing(mpesa: Callbacks) -> None:
    """A true success, told once more about somebody else."""
    first, second = mpesa.stories.paid(), mpesa.stories.submitted()
    stolen = mpesa.success(second)
    [parameter] = [
        p
        for p in stolen["Result"]["ResultParameters"]["ResultParameter"]
        if p["Key"] == "TransactionReceipt"
    ]
    parameter["Value"] = f"S{first[1:]}"
    mpesa.post(mpesa.path(mpesa.id_of(second)), stolen)
    mpesa.stories.resolve()
    assert [("submitted", True)] == mpesa.rows(
        "SELECT state, frozen FROM payout WHERE reference = :reference", second
    )
    assert "paid" == mpesa.stories.state(first)


def test_a_forged_failure_gives_nothing_back(mpesa: Callbacks) -> None:
    """It carries neither amount nor number: without a status answer the money stays where it is."""
    reference = mpesa.stories.submitted()
    failure = mpesa.success(reference, ResultCode=2001, ResultParameters=None)
    mpesa.post(mpesa.path(mpesa.id_of(reference)), failure)
    mpesa.stories.resolve()
    assert [("in_doubt", False)] == mpesa.rows("SELECT state, frozen FROM payout")
    assert [("reserve",)] == mpesa.rows(
        "SELECT kind::text FROM ledger.journal_entry WHERE kind <> 'opening'"
    )


def assert_nothing_was_paid(mpesa: Callbacks) -> None:
    """The total waits in transit; the float and the member were left alone.

    At most she was told that we look into a contradiction.
    """
    with mpesa.stories.db.transaction() as tx:
        assert 0 == statements.system_balance(tx, chart.FLOAT)
        assert 0 == statements.system_balance(tx, chart.FEE_INCOME)
        total = tx.scalar(sa.text("SELECT sum(total_cents) FROM payout"))
        assert -total == statements.system_balance(tx, chart.IN_TRANSIT)
    assert [] == mpesa.rows("SELECT FROM message WHERE kind <> 'frozen'")
