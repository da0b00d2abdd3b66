"""Safaricom's stand-in: what status and balance queries are told."""

import uuid
from typing import Any

import pytest

from app.providers.daraja_balances import BalanceResult, parse_balance_result
from app.providers.daraja_results import (
    PhoneMatch,
    StatusResult,
    StatusSays,
    Unreadable,
    parse_status_result,
    same_phone,
)
from tests.contract.conftest import Posted
from tests.support.http_script import Reply
from tests.support.sandbox import SafaricomSandbox, wait_for


def ask(safaricom: SafaricomSandbox, posted: Posted, ocid: str, **by: str) -> StatusResult:
    """The answer to one query, asked now."""
    count = len(posted.bodies("told"))
    ack = safaricom.ask(ocid, **by).json()
    told = parse_status_result(posted.wait("told", count + 1)[count])
    assert not isinstance(told, Unreadable)
    assert told.query_conversation_id == ack["ConversationID"]
    return told


def pay(safaricom: SafaricomSandbox, **how: Any) -> str:
    """A payout's id."""
    ocid = str(uuid.uuid4())
    safaricom.pay(ocid=ocid, **how)
    return ocid


def test_a_paid_payout_is_completed(safaricom: SafaricomSandbox, posted: Posted) -> None:
    """The payout's ids, amount, receiver and charge are inside; the envelope's are the query's."""
    ocid = pay(safaricom, shillings=1503)
    told = ask(safaricom, posted, ocid)
    payout = safaricom.get(f"/truth/requests/{ocid}")["payout"]
    assert (told.says, told.ocid, told.amount_cents) == (StatusSays.PAID, ocid, 1503_00)
    assert told.receipt == payout["transaction_id"]
    assert told.conversation_id == payout["conversation_id"]
    assert told.charge_cents == 9_00
    assert same_phone("+254712345678", told.receiver) is PhoneMatch.EQUAL
    envelope = posted.bodies("told")[0]["Result"]
    assert envelope["OriginatorConversationID"] != ocid
    assert envelope["TransactionID"] != told.receipt


def test_a_payout_can_be_asked_for_by_its_receipt(
    safaricom: SafaricomSandbox, posted: Posted
) -> None:
    ocid = pay(safaricom)
    receipt = safaricom.get(f"/truth/requests/{ocid}")["payout"]["transaction_id"]
    assert ask(safaricom, posted, "", receipt=receipt).ocid == ocid


def test_a_payment_behind_a_silent_call_is_known(
    safaricom: SafaricomSandbox, posted: Posted
) -> None:
    safaricom.fault("internal_error_but_taken")
    assert ask(safaricom, posted, pay(safaricom)).says is StatusSays.PAID


def test_a_refused_payout_is_declined_or_not_known(
    safaricom: SafaricomSandbox, posted: Posted
) -> None:
    """Which of both is the fault's to say; both are the truth for one or another code."""
    safaricom.fault("result_code", code=8)
    declined = ask(safaricom, posted, pay(safaricom))
    safaricom.fault("result_code", code=2040, status="not_found")
    unknown = ask(safaricom, posted, pay(safaricom))
    assert (declined.says, declined.status) == (StatusSays.NOT_PAID, "Declined")
    assert declined.receipt is None
    assert (unknown.says, unknown.code) == (StatusSays.NOT_KNOWN_NOW, "2032")


def test_an_unknown_id_is_2032_without_parameters(
    safaricom: SafaricomSandbox, posted: Posted
) -> None:
    told = ask(safaricom, posted, str(uuid.uuid4()))
    assert (told.says, told.code) == (StatusSays.NOT_KNOWN_NOW, "2032")
    assert "ResultParameters" not in posted.bodies("told")[0]["Result"]


def test_a_query_without_any_id_is_about_the_query(
    safaricom: SafaricomSandbox, posted: Posted
) -> None:
    assert ask(safaricom, posted, "").says is StatusSays.ABOUT_QUERY


def test_an_open_payout_is_pending_until_it_is_paid(
    safaricom: SafaricomSandbox, posted: Posted
) -> None:
    """The money moves when it is finished, not before."""
    safaricom.fault("open_then_paid", after_s=0.8)
    ocid = pay(safaricom)
    before = (safaricom.paid(ocid), ask(safaricom, posted, ocid).says)
    assert before == (0, StatusSays.OPEN)
    posted.wait("result")
    assert (safaricom.paid(ocid), ask(safaricom, posted, ocid).says) == (1, StatusSays.PAID)


def test_a_payout_may_stay_open_for_ever(safaricom: SafaricomSandbox, posted: Posted) -> None:
    safaricom.fault("open_forever")
    ocid = pay(safaricom)
    assert ask(safaricom, posted, ocid).says is StatusSays.OPEN
    kinds = {post["kind"] for post in safaricom.get(f"/truth/requests/{ocid}")["callbacks"]}
    assert kinds == {"status_result"}


def test_not_found_first_and_the_truth_afterwards(
    safaricom: SafaricomSandbox, posted: Posted
) -> None:
    ocid = pay(safaricom)
    safaricom.fault("status_not_found_then_completed", times=None, count=2, match={"api": "status"})
    said = [ask(safaricom, posted, ocid).says for _ in range(3)]
    assert said == [StatusSays.NOT_KNOWN_NOW, StatusSays.NOT_KNOWN_NOW, StatusSays.PAID]


@pytest.mark.parametrize(
    ("behaviour", "params", "says"),
    [
        ("status_not_found", {}, StatusSays.NOT_KNOWN_NOW),
        ("status_about_query", {}, StatusSays.ABOUT_QUERY),
        ("status_about_query", {"code": "SFC_IC0003"}, StatusSays.ABOUT_QUERY),
        ("status_says", {"status": "Expired"}, StatusSays.NOT_PAID),
        ("status_says", {"status": "Under a cloud"}, StatusSays.UNCLEAR),
        ("old_spelling", {}, StatusSays.PAID),
    ],
)
def test_a_query_may_be_told_something_else(
    safaricom: SafaricomSandbox, posted: Posted, behaviour: str, params: dict[str, Any],
    says: StatusSays,
) -> None:  # fmt: skip
    ocid = pay(safaricom)
    safaricom.fault(behaviour, match={"api": "status"}, **params)
    assert ask(safaricom, posted, ocid).says is says


def test_the_old_spelling_names_both_parties_alike(
    safaricom: SafaricomSandbox, posted: Posted
) -> None:
    ocid = pay(safaricom)
    safaricom.fault("old_spelling", match={"api": "status"})
    told = ask(safaricom, posted, ocid)
    entries = posted.bodies("told")[0]["Result"]["ResultParameters"]["ResultParameter"]
    keys = [entry["Key"] for entry in entries]
    assert (keys.count("DebitPartyName"), "FinalizedTime" in keys) == (2, True)
    assert (told.ocid, told.amount_cents) == (ocid, 1500_00)


def test_a_wrong_password_fails_the_query_only(safaricom: SafaricomSandbox, posted: Posted) -> None:
    told = ask(safaricom, posted, pay(safaricom), password="wrong")
    assert (told.says, told.code) == (StatusSays.ABOUT_QUERY, "2001")


def test_queries_fail_at_the_gate_like_payouts(safaricom: SafaricomSandbox, posted: Posted) -> None:
    """A query that was turned away is never answered later."""
    ocid = pay(safaricom)
    safaricom.fault("internal_error_not_taken", match={"api": "status"})
    assert safaricom.ask(ocid).status_code == 500
    safaricom.fault("callback_never", match={"api": "status"})
    assert safaricom.ask(ocid).json()["ResponseCode"] == "0"
    posted.wait("result")
    kinds = {post["kind"] for post in safaricom.get(f"/truth/requests/{ocid}")["callbacks"]}
    assert kinds == {"b2c_result"}


def test_a_queue_timeout_of_a_query(safaricom: SafaricomSandbox, posted: Posted) -> None:
    ocid = pay(safaricom)
    safaricom.fault("timeout_notice_then_nothing", match={"api": "status"})
    safaricom.ask(ocid)
    (notice,) = posted.wait("timeout")
    assert notice["OriginalConversationID"] == ocid


def test_the_balance_is_one_packed_text(safaricom: SafaricomSandbox, posted: Posted) -> None:
    accounts = safaricom.get("/truth/accounts")
    posted.on("told", Reply(200))
    assert safaricom.ask_balance().json()["ResponseCode"] == "0"
    (body,) = wait_for(lambda: posted.bodies("told"))
    packed, completed = body["Result"]["ResultParameters"]["ResultParameter"]
    utility = f"Utility Account|KES|{accounts['utility_cents'] / 100:.2f}|"
    assert (packed["Key"], completed["Key"]) == ("AccountBalance", "BOCompletedTime")
    assert utility in packed["Value"]
    assert packed["Value"].count("&") == 4
    read = parse_balance_result(body)
    assert isinstance(read, BalanceResult)
    assert (read.code.code, read.utility_cents) == ("0", accounts["utility_cents"])
    assert read.completed_at is not None


@pytest.mark.parametrize("change", ["code_as_text", "parameters_as_object", "parameters_shuffled"])
def test_the_balance_in_its_odd_forms(
    safaricom: SafaricomSandbox, posted: Posted, change: str
) -> None:
    utility = safaricom.get("/truth/accounts")["utility_cents"]
    safaricom.fault(change, match={"api": "balance"})
    safaricom.ask_balance()
    (body,) = posted.wait("told")
    read = parse_balance_result(body)
    assert isinstance(read, BalanceResult)
    assert read.utility_cents == utility


def test_a_wrong_password_fails_a_balance_query(
    safaricom: SafaricomSandbox, posted: Posted
) -> None:
    """In its result, and once too often locks the operator."""
    for _ in range(4):
        safaricom.ask_balance(password="wrong")
    bodies = posted.wait("told", 4)
    assert {body["Result"]["ResultCode"] for body in bodies} == {2001, 8006}
    read = parse_balance_result(bodies[0])
    assert isinstance(read, BalanceResult)
    assert read.utility_cents is None
    safaricom.post("/portal/unlock", {})
