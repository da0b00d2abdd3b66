"""Every captured form of M-PESA's callbacks, and what is read from it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.providers.daraja_results import (
    B2cResult,
    StatusResult,
    StatusSays,
    TimeoutNotice,
    Unreadable,
    parse_b2c_result,
    parse_status_result,
    parse_timeout,
)
from app.providers.result_codes import Verdict

OCID = "7f0c2d1e-5b7a-4c39-9a5e-2f6d8c1b0a47"
PAYOUT = "AG_20261123_0101001a7k3v9x2qmd5e"
QUERY = "AG_20261123_010010540tvw69rpmq21"
PAID_AT = datetime(2026, 11, 23, 11, 5, 52, tzinfo=UTC)

PAID_PARAMETERS = [
    {"Key": "TransactionAmount", "Value": 1500},
    {"Key": "TransactionReceipt", "Value": "UKN4R7T2QX"},
    {"Key": "ReceiverPartyPublicName", "Value": "254712345678 - AMINA WANJIRU OTIENO"},
    {"Key": "TransactionCompletedDateTime", "Value": "23.11.2026 14:05:52"},
    {"Key": "B2CUtilityAccountAvailableFunds", "Value": 482310.50},
    {"Key": "B2CWorkingAccountAvailableFunds", "Value": 0.00},
    {"Key": "B2CRecipientIsRegisteredCustomer", "Value": "Y"},
    {"Key": "B2CChargesPaidAccountAvailableFunds", "Value": -1305.00},
]
STATUS_PARAMETERS = [
    {"Key": "DebitPartyName", "Value": "3041257 - BARAZA SACCO"},
    {"Key": "CreditPartyName", "Value": "254712345678 - AMINA WANJIRU OTIENO"},
    {"Key": "OriginatorConversationID", "Value": OCID},
    {"Key": "InitiatedTime", "Value": 20261123140551},
    {"Key": "DebitPartyCharges", "Value": "Fee For B2C Payment|KES|5.00"},
    {"Key": "TransactionReason"},
    {"Key": "TransactionStatus", "Value": "Completed"},
    {"Key": "FinalisedTime", "Value": 20261123140552},
    {"Key": "Amount", "Value": 1500},
    {"Key": "ConversationID", "Value": PAYOUT},
    {"Key": "ReceiptNo", "Value": "UKN4R7T2QX"},
]


def b2c(code: Any = 0, parameters: Any = None, **more: Any) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ResultType": 0,
        "ResultCode": code,
        "ResultDesc": "Said by M-PESA.",
        "OriginatorConversationID": OCID,
        "ConversationID": PAYOUT,
        "TransactionID": "UKN4R7T2QX",
        "ReferenceData": {"ReferenceItem": {"Key": "QueueTimeoutURL"}},
    }
    if parameters is not None:
        result["ResultParameters"] = {"ResultParameter": parameters}
    return {"Result": {**result, **more}}


def status(code: Any = 0, parameters: Any = None, **more: Any) -> dict[str, Any]:
    ids = {"OriginatorConversationID": "4327-461f", "ConversationID": QUERY}
    return b2c(code, parameters, **{**ids, "TransactionID": "UKN1000000", **more})


def with_value(parameters: list[dict[str, Any]], key: str, value: Any) -> list[dict[str, Any]]:
    return [{**p, "Value": value} if p["Key"] == key else p for p in parameters]


def read_b2c(body: object) -> B2cResult:
    result = parse_b2c_result(body)
    assert isinstance(result, B2cResult)
    return result


def read_status(body: object) -> StatusResult:
    result = parse_status_result(body)
    assert isinstance(result, StatusResult)
    return result


@pytest.mark.parametrize("order", [1, -1])
def test_a_paid_payout_is_read_whole_in_any_order(order: int) -> None:
    """Parameters are found by key, never by position."""
    result = read_b2c(b2c(0, PAID_PARAMETERS[::order]))
    assert (
        result.verdict, result.final, result.ocid, result.conversation_id,
    ) == (Verdict.SUCCESS, True, OCID, PAYOUT)  # fmt: skip
    assert (
        result.receipt, result.amount_cents, result.receiver, result.completed_at,
    ) == ("UKN4R7T2QX", 150_000, "254712345678", PAID_AT)  # fmt: skip
    assert (result.utility_cents, result.charges_cents) == (48_231_050, -130_500)


def test_a_failure_has_no_receipt_although_it_carries_one() -> None:
    """A failed payout's TransactionID looks exactly like a receipt."""
    result = read_b2c(b2c(2040))
    assert (result.verdict, result.code.code, result.receipt) == (Verdict.DEFINITE_NO, "2040", None)


@pytest.mark.parametrize("code", ["SFC_IC0003", "2001", " 8006 "])
def test_codes_come_as_text_too(code: str) -> None:
    result = read_b2c(b2c(code))
    assert code.strip() == result.code.code
    assert result.verdict is Verdict.DEFINITE_NO


@pytest.mark.parametrize(
    "parameters",
    [
        {"Key": "CreditPartyName", "Value": "X"},
        {"Key": "BOCompletedTime", "Value": 20200625232427},
        [{"Key": "ActionType"}, {"Key": "ErrorMsg", "Value": None}, "text", None, 7, {}],
        [],
        "text",
        None,
    ],
)
def test_a_failure_with_odd_parameters_is_still_a_failure(parameters: Any) -> None:
    """One object instead of a list, entries without a value, or nothing at all."""
    assert read_b2c(b2c(8006, parameters)).verdict is Verdict.DEFINITE_NO


def test_one_object_instead_of_a_list_is_read() -> None:
    result = read_b2c(b2c(0, {"Key": "TransactionAmount", "Value": "1500.00"}))
    assert (result.amount_cents, result.receipt) == (150_000, "UKN4R7T2QX")


def test_parameters_without_their_inner_name_are_read() -> None:
    result = read_b2c(b2c(0, ResultParameters=PAID_PARAMETERS))
    assert result.amount_cents == 150_000


@pytest.mark.parametrize("parameters", [None, {}, []])
def test_success_without_parameters_names_no_amount(parameters: Any) -> None:
    """Then the caller must ask: an amount that was not told is not equal."""
    result = read_b2c(b2c("00000000", parameters))
    assert (result.verdict, result.amount_cents, result.receiver) == (Verdict.SUCCESS, None, None)


@pytest.mark.parametrize("kind", [1, "1", None, "x", [], True, False])
def test_a_result_that_is_not_final_proves_nothing(kind: Any) -> None:
    """ResultType 1 announces more to come; a missing one announces nothing."""
    for code in (0, 2040):
        result = read_b2c(b2c(code, PAID_PARAMETERS, ResultType=kind))
        assert (result.final, result.verdict) == (False, Verdict.DOUBT)


def test_result_type_comes_as_text_too() -> None:
    assert read_b2c(b2c("0", PAID_PARAMETERS, ResultType="0")).verdict is Verdict.SUCCESS


def test_an_amount_that_is_told_twice_differently_is_not_told() -> None:
    """Whoever sends two amounts is not believed in either."""
    twice = [*PAID_PARAMETERS, {"Key": "TransactionAmount", "Value": 15_000}]
    assert read_b2c(b2c(0, twice)).amount_cents is None
    same = [*PAID_PARAMETERS, {"Key": "TransactionAmount", "Value": 1500}]
    assert read_b2c(b2c(0, same)).amount_cents == 150_000


def test_a_result_without_its_envelope_is_read() -> None:
    assert read_b2c(b2c(0, PAID_PARAMETERS)["Result"]).receipt == "UKN4R7T2QX"


@pytest.mark.parametrize(
    "body",
    [None, 7, "text", [], {}, {"Result": None}, {"Result": []}, {"Result": {}},
     {"Result": {"ResultCode": None}}, {"Result": {"ResultCode": True}},
     {"Result": {"ResultCode": [0]}}, {"Result": {"ResultCode": ""}}, {"ResultType": 0}],
)  # fmt: skip
def test_what_is_no_result_is_unreadable(body: Any) -> None:
    """Unreadable is a value: the message is kept and a person may look."""
    assert isinstance(parse_b2c_result(body), Unreadable)
    assert isinstance(parse_status_result(body), Unreadable)


def test_nothing_personal_shows_in_a_result() -> None:
    """The representation ends in logs and error reports; the member's name is not even kept."""
    shown = repr(read_b2c(b2c(0, PAID_PARAMETERS))) + repr(
        read_status(status(0, STATUS_PARAMETERS))
    )
    assert "254712345678" not in shown
    assert "AMINA" not in shown


def test_a_completed_status_speaks_of_the_payout_not_of_the_query() -> None:
    """The envelope's ids and its TransactionID belong to the query."""
    result = read_status(status(0, STATUS_PARAMETERS))
    assert (
        result.says, result.ocid, result.conversation_id, result.query_conversation_id,
    ) == (StatusSays.PAID, OCID, PAYOUT, QUERY)  # fmt: skip
    assert (
        result.receipt, result.amount_cents, result.receiver, result.completed_at,
        result.charge_cents,
    ) == ("UKN4R7T2QX", 150_000, "254712345678", PAID_AT, 500)  # fmt: skip


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ("Completed", StatusSays.PAID),
        ("completed ", StatusSays.PAID),
        ("Initiated", StatusSays.OPEN),
        ("Authorized", StatusSays.OPEN),
        ("Pending Authorized", StatusSays.OPEN),
        ("Cancelled", StatusSays.NOT_PAID),
        ("Declined", StatusSays.NOT_PAID),
        ("Expired", StatusSays.NOT_PAID),
        ("Reversed", StatusSays.UNCLEAR),
        ("Not Completed", StatusSays.UNCLEAR),
        ("", StatusSays.UNCLEAR),
        (None, StatusSays.UNCLEAR),
        (0, StatusSays.UNCLEAR),
    ],
)
def test_code_zero_means_the_query_worked_and_the_status_counts(
    told: Any, says: StatusSays
) -> None:
    """A word that is not in the list is for a person, whatever it resembles."""
    body = status(0, with_value(STATUS_PARAMETERS, "TransactionStatus", told))
    assert says is read_status(body).says


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (2032, StatusSays.NOT_KNOWN_NOW), ("2033", StatusSays.NOT_KNOWN_NOW),
        (25, StatusSays.ABOUT_QUERY), (2001, StatusSays.ABOUT_QUERY),
        (8006, StatusSays.ABOUT_QUERY), (21, StatusSays.ABOUT_QUERY),
        ("SFC_IC0003", StatusSays.ABOUT_QUERY), (17, StatusSays.ABOUT_QUERY),
        (26, StatusSays.ABOUT_QUERY), (424242, StatusSays.ABOUT_QUERY),
    ],
)  # fmt: skip
def test_a_failed_query_says_nothing_about_the_payout(code: Any, says: StatusSays) -> None:
    """Also when a payout's result with that code would be a refusal."""
    assert says is read_status(status(code)).says
    assert says is read_status(status(code, STATUS_PARAMETERS)).says


def test_a_status_that_is_not_final_is_unclear() -> None:
    body = status(0, STATUS_PARAMETERS, ResultType=1)
    assert read_status(body).says is StatusSays.UNCLEAR


def test_two_different_statuses_are_none() -> None:
    twice = [*STATUS_PARAMETERS, {"Key": "TransactionStatus", "Value": "Declined"}]
    assert read_status(status(0, twice)).says is StatusSays.UNCLEAR


def test_older_spellings_of_keys_are_read() -> None:
    """Spaces and a z have come and gone over the years; values were text then."""
    old = [
        {"Key": "Transaction Status", "Value": "Completed"},
        {"Key": "FinalizedTime", "Value": "20261123140552"},
        {"Key": "Conversation ID", "Value": PAYOUT},
        {"Key": "Originator Conversation ID", "Value": OCID},
        {"Key": "Amount", "Value": "1500"},
        {"Key": "Receipt No", "Value": "UKN4R7T2QX"},
    ]
    result = read_status(status(0, old))
    assert (
        result.says, result.completed_at, result.conversation_id, result.ocid,
        result.amount_cents, result.receipt,
    ) == (StatusSays.PAID, PAID_AT, PAYOUT, OCID, 150_000, "UKN4R7T2QX")  # fmt: skip


@pytest.mark.parametrize(
    ("parties", "receiver"),
    [
        (["3041257 - BARAZA SACCO", "254712345678 - AMINA"], "254712345678"),
        (["254712345678 - AMINA", "3041257 - BARAZA SACCO"], "254712345678"),
        (["254712345678 - AMINA"], None),
        (["254712345678 - AMINA", "254799999999 - OTHER"], None),
        (["3041257 - BARAZA SACCO", "BARAZA"], None),
    ],
)
def test_the_old_form_names_both_parties_debit_party(
    parties: list[str], receiver: str | None
) -> None:
    """The one that is a phone is the member, when there is exactly one."""
    told = [{"Key": "DebitPartyName", "Value": party} for party in parties]
    assert receiver == read_status(status(0, told)).receiver


@pytest.mark.parametrize(
    ("body", "ocid"),
    [
        ({"OriginatorConversationID": OCID, "SecurityCredential": "secret"}, OCID),
        (b2c(), OCID),
        ({"Result": {}}, None),
        ({}, None),
        ([], None),
        (None, None),
        ({"OriginatorConversationID": {"x": 1}}, None),
    ],
)
def test_a_timeout_notice_has_no_fixed_form(body: Any, ocid: str | None) -> None:
    """Our own request sent back, or an envelope, or anything."""
    assert TimeoutNotice(ocid) == parse_timeout(body)
