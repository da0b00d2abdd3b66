"""Before money leaves: a SIM card that was replaced lately is sent nothing."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from app import clock
from app.db import Database
from tests.acceptance.test_withdrawals import AMINA, reaches
from tests.support import ledger
from tests.support.databases import Logins
from tests.support.stack import Stack, stack, wait_for

SMALL, LARGE = 1_500, 30_000
"""On both sides of the demo's limit after a change, in shillings."""


@pytest.fixture
def checking(
    tmp_path: Path, database_logins: Logins, redis_url: str, owner_db: Database
) -> Iterator[Stack]:
    """Everything runs, with SIM_CHECK on; every test ends with books that agree."""
    settings = {"SIM_CHECK": "on", "SIM_CHECK_WAIT_S": "2"}
    with stack(tmp_path, database_logins, redis_url, **settings) as made:
        made.start_all()
        yield made
    ledger.assert_coherent(owner_db)


def card(baraza: Stack, **about: Any) -> None:
    """Say what happened to Amina's SIM card."""
    answer = requests.post(
        f"{baraza.africastalking}/sims", json={"phone": AMINA, **about}, timeout=5
    )
    answer.raise_for_status()


def asked(baraza: Stack) -> int:
    """How often the network was asked about her."""
    found = requests.get(f"{baraza.africastalking}/sims", timeout=5).json()
    return int(found["asked"].get(AMINA, 0))


def texts(baraza: Stack, reference: str) -> list[str]:
    """The SMS about a payout, once there is one."""
    return wait_for(
        "an SMS", lambda: [m.text for m in baraza.phone(AMINA).inbox() if reference in m.text]
    )


def test_a_sim_replaced_yesterday_is_sent_nothing(checking: Stack, db: Database) -> None:
    """The total is back, the SMS says why, and M-PESA never heard of it."""
    yesterday = clock.now().astimezone(clock.NAIROBI).date() - timedelta(days=1)
    card(checking, swapped_on=yesterday.isoformat())
    reference = checking.withdraw(AMINA, SMALL)
    reaches(db, reference, "cancelled")
    assert "SIM" in texts(checking, reference)[0]
    assert checking.paid()["by_ocid"] == {}


def test_a_sim_that_was_never_replaced_is_paid_and_asked_about_each_time(
    checking: Stack, db: Database
) -> None:
    """An earlier "never" says nothing about a swap since then."""
    for _ in range(2):
        reaches(db, checking.withdraw(AMINA, LARGE // 2), "paid")
    assert asked(checking) == 2


def test_a_sim_replaced_long_ago_is_paid(checking: Stack, db: Database) -> None:
    card(checking, swapped_on="2020-02-29")
    reaches(db, checking.withdraw(AMINA, LARGE), "paid")


def test_without_an_answer_only_a_little_goes_out(checking: Stack, db: Database) -> None:
    """The network is silent: a small withdrawal is paid after the wait, a large one comes back."""
    card(checking, silent=True)
    reaches(db, checking.withdraw(AMINA, SMALL), "paid")
    reference = checking.withdraw(AMINA, LARGE)
    reaches(db, reference, "cancelled")
    assert [one["times"] for one in checking.paid()["by_ocid"].values()] == [1]
    with db.transaction() as tx:
        calls = sa.text(
            "SELECT count(*) FROM attempt a JOIN payout p ON p.id = a.payout_id"
            " WHERE p.reference = :reference"
        )
        assert tx.scalar(calls, {"reference": reference}) == 0
