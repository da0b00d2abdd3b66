"""Every known form of a balance query's result, and what is read from it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.providers.daraja_balances import BalanceResult, parse_balance_result

ACCOUNTS = (
    "Working Account|KES|0.00|0.00|0.00|0.00&Float Account|KES|0.00|0.00|0.00|0.00"
    "&Utility Account|KES|482310.50|482310.50|0.00|0.00"
    "&Charges Paid Account|KES|-1305.00|-1305.00|0.00|0.00"
    "&Organization Settlement Account|KES|0.00|0.00|0.00|0.00"
)
COMPLETED = {"Key": "BOCompletedTime", "Value": 20261123140552}


def told(accounts: object = ACCOUNTS, **changes: Any) -> dict[str, Any]:
    """As published: type and code are texts."""
    envelope = {
        "ResultType": "0",
        "ResultCode": "0",
        "ResultDesc": "The service request is processed successfully.",
        "OriginatorConversationID": "16917-22577599-3",
        "ConversationID": "AG_20200206_00005e091a8ec6b9eac5",
        "TransactionID": "OA90000000",
        "ResultParameters": {
            "ResultParameter": [{"Key": "AccountBalance", "Value": accounts}, COMPLETED]
        },
    }
    return {"Result": {**envelope, **changes}}


def read(body: object) -> BalanceResult:
    result = parse_balance_result(body)
    assert isinstance(result, BalanceResult)
    return result


def test_the_published_form() -> None:
    result = read(told())
    assert 482_310_50 == result.utility_cents
    assert datetime(2026, 11, 23, 11, 5, 52, tzinfo=UTC) == result.completed_at
    assert ("0", "AG_20200206_00005e091a8ec6b9eac5") == (result.code.code, result.conversation_id)


@pytest.mark.parametrize(
    ("accounts", "cents"),
    [
        ("Utility Account|KES|1.00", 100),
        ("utility account| KES |-7.5|x", -750),
        ("UtilityAccount|KES|46713.00|46713.00|0.00|0.00", 46_713_00),
        # What is not there, or cannot be told apart, is not guessed.
        ("Working Account|KES|9.00|9.00|0.00|0.00", None),
        ("Utility Account|USD|9.00|9.00|0.00|0.00", None),
        ("Utility Account|KES|9.00&Utility Account|KES|8.00", None),
        ("Utility Account|KES|nine", None),
        ("Utility Account", None),
        ("", None),
        (9, None),
    ],
)
def test_accounts_in_a_text(accounts: object, cents: int | None) -> None:
    assert cents == read(told(accounts)).utility_cents


def test_numbers_in_place_of_texts() -> None:
    assert 482_310_50 == read(told(ResultType=0, ResultCode=0)).utility_cents


@pytest.mark.parametrize(
    "body",
    [
        # Captured: one object in place of a list, and a list on a failure.
        told(ResultCode=2001, ResultParameters={"ResultParameter": COMPLETED}),
        told(ResultCode="8006"),
        told(ResultCode=0, ResultType=1),
        told(ResultParameters=None),
    ],
)
def test_a_query_that_failed_tells_no_balance(body: dict[str, Any]) -> None:
    """Whatever parameters it carries."""
    assert read(body).utility_cents is None


def test_one_account_as_one_object() -> None:
    one = {"ResultParameter": {"Key": "AccountBalance", "Value": "Utility Account|KES|5.00"}}
    result = read(told(ResultParameters=one))
    assert (500, None) == (result.utility_cents, result.completed_at)


@pytest.mark.parametrize(
    "body", [None, [], "x", {}, {"Result": {}}, {"Result": {"ResultCode": {}}}]
)
def test_what_has_no_code_is_no_answer(body: object) -> None:
    assert not isinstance(parse_balance_result(body), BalanceResult)
