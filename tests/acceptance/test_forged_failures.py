"""Failures that M-PESA never sent, posted to the real web server while M-PESA pays."""

import uuid
from collections.abc import Callable

import pytest
import requests
import sqlalchemy as sa

from app.db import Database
from tests.acceptance.test_withdrawals import AMINA, reaches, state
from tests.support.stack import Stack, wait_for

JUMA = "+254722345679"
LATE_S = 8
"""How long M-PESA is at work on the payout: the forger has time."""
NOT_FOUND = 404
Token = Callable[[Stack, str], str]


def _guessed(baraza: Stack, _: str) -> str:
    return baraza.settings.door_token(str(uuid.uuid4()))


def _of_another(baraza: Stack, other: str) -> str:
    return baraza.settings.door_token(other)


def _id_of(db: Database, reference: str) -> str:
    with db.transaction() as tx:
        query = "SELECT id::text FROM payout WHERE reference = :reference"
        return str(tx.scalar(sa.text(query), {"reference": reference}))


def _forge(baraza: Stack, token: str, ocid: str) -> int:
    """Post it from the loopback address, which is allowed. The HTTP status of the answer."""
    failure = {
        "ResultType": 0,
        "ResultCode": 1,
        "ResultDesc": "The balance is insufficient for the transaction.",
        "OriginatorConversationID": ocid,
        "ConversationID": "AG_20251123_0123456789abcdefabcd",
        "TransactionID": "UKN0000000",
    }
    door = f"{baraza.settings.public_base}/d/{token}/b2c/result/{ocid}"
    return requests.post(door, json={"Result": failure}, timeout=5).status_code


@pytest.mark.parametrize("token", [_guessed, _of_another], ids=["guessed", "replayed"])
def test_a_failure_on_a_path_that_is_not_the_payouts_is_not_even_filed(
    baraza: Stack, db: Database, token: Token
) -> None:
    """The door is shut, and the payout is paid as if nobody had knocked."""
    other = baraza.withdraw(JUMA, 300, pin="5193")
    reaches(db, other, "paid")
    baraza.fault({"api": "b2c"}, "open_then_paid", after_s=LATE_S)
    reference = baraza.withdraw(AMINA, 1500)
    reaches(db, reference, "submitted")
    ocid = _id_of(db, reference)
    assert _forge(baraza, token(baraza, _id_of(db, other)), ocid) == NOT_FOUND
    with db.transaction() as tx:
        filed = "SELECT count(*) FROM inbox WHERE payout_id = :ocid"
        assert tx.scalar(sa.text(filed), {"ocid": ocid}) == 0
    _is_paid_once(baraza, db, reference)


def test_a_failure_on_the_payouts_own_path_gives_nothing_back(baraza: Stack, db: Database) -> None:
    """As if its address had leaked: M-PESA is asked, is at work on it, and that is believed."""
    baraza.fault({"api": "b2c"}, "open_then_paid", after_s=LATE_S)
    reference = baraza.withdraw(AMINA, 1500)
    reaches(db, reference, "submitted")
    ocid = _id_of(db, reference)
    assert _forge(baraza, baraza.settings.door_token(ocid), ocid) == requests.codes.ok
    asked = "SELECT count(*) FROM evidence WHERE payout_id = :ocid AND source = 'status'"

    def is_asked() -> bool:
        with db.transaction() as tx:
            return bool(tx.scalar(sa.text(asked), {"ocid": ocid}))

    wait_for("M-PESA asked", is_asked, seconds=15)
    assert state(db, reference) in {"submitted", "in_doubt", "paid"}
    _is_paid_once(baraza, db, reference)


def _is_paid_once(baraza: Stack, db: Database, reference: str) -> None:
    reaches(db, reference, "paid", seconds=40)
    assert baraza.paid()["by_ocid"][_id_of(db, reference)]["times"] == 1
    with db.transaction() as tx:
        given_back = "SELECT count(*) FROM ledger.journal_entry WHERE kind = 'compensate'"
        assert tx.scalar(sa.text(given_back)) == 0
    assert not [sms for sms in baraza.phone(AMINA).inbox() if " failed: " in sms.text]
