"""Safaricom's stand-in: what it posts about a payout, read with the reader Baraza uses."""

import uuid
from typing import Any

import pytest
import requests

from app.providers.daraja_results import (
    B2cResult,
    PhoneMatch,
    StatusResult,
    Unreadable,
    parse_b2c_result,
    parse_status_result,
    parse_timeout,
    same_phone,
)
from app.providers.result_codes import Verdict
from tests.contract.conftest import Posted
from tests.support.http_script import Reply
from tests.support.sandbox import SafaricomSandbox, wait_for

MEMBER = "+254712345678"


def read(body: dict[str, Any]) -> B2cResult:
    """A result, which must be readable."""
    told = parse_b2c_result(body)
    assert not isinstance(told, Unreadable)
    return told


def test_a_paid_result_carries_everything(safaricom: SafaricomSandbox, posted: Posted) -> None:
    """Ids as acknowledged, the amount, the receiver, a receipt that begins with the date."""
    ocid = str(uuid.uuid4())
    conversation = safaricom.pay(ocid=ocid, shillings=1500).json()["ConversationID"]
    (body,) = posted.wait("result")
    told = read(body)
    assert (ocid, conversation) == (told.ocid, told.conversation_id)
    assert (told.verdict, told.amount_cents) == (Verdict.SUCCESS, 1500_00)
    assert same_phone(MEMBER, told.receiver) is PhoneMatch.EQUAL
    truth = safaricom.get(f"/truth/requests/{ocid}")
    assert told.receipt == truth["payout"]["transaction_id"]
    assert len(told.receipt or "") == 10
    assert told.completed_at is not None
    assert told.utility_cents is not None
    assert told.charges_cents is not None
    assert told.charges_cents < 0


def test_a_number_has_the_name_that_was_registered_for_it(
    safaricom: SafaricomSandbox, posted: Posted
) -> None:
    """An owner whom nobody knows has none; a fault makes it somebody else's."""
    unknown, known = "254712000001", "254712000002"
    safaricom.post("/portal/subscribers", {f"+{known}": "WANJIRU KAMAU"})
    safaricom.fault("other_name", match={"api": "b2c", "amount": 700})
    told = []
    for count, (number, amount) in enumerate(((unknown, 500), (known, 600), (known, 700)), 1):
        ocid = str(uuid.uuid4())
        safaricom.pay(ocid=ocid, shillings=amount, PartyB=number)
        result = read(posted.wait("result", count)[-1])
        assert same_phone(f"+{number}", result.receiver) is PhoneMatch.EQUAL
        told.append(result.payee)
    assert told == [None, "WANJIRU KAMAU", "SOMEBODY ELSE"]
    safaricom.ask(ocid)
    status = parse_status_result(posted.wait("told")[0])
    assert isinstance(status, StatusResult)
    assert status.payee == "WANJIRU KAMAU"


def test_our_answer_to_a_result_is_on_record(safaricom: SafaricomSandbox, posted: Posted) -> None:
    """A result is posted once, whatever it is answered."""
    posted.on("result", Reply(503, b"no database"))
    ocid = str(uuid.uuid4())
    safaricom.pay(ocid=ocid)

    def answered() -> dict[str, Any]:
        (post,) = safaricom.get(f"/truth/requests/{ocid}")["callbacks"]
        return dict(post) if post["done_at"] else {}

    post = wait_for(answered)
    assert (post["kind"], post["http_status"], post["answer"]) == (
        "b2c_result", 503, "no database",
    )  # fmt: skip
    assert len(posted.bodies("result")) == 1


@pytest.mark.parametrize("code", [2040, "SFC_IC0003", 8, 17])
def test_a_refusal_has_no_parameters_but_something_like_a_receipt(
    safaricom: SafaricomSandbox, posted: Posted, code: int | str
) -> None:
    safaricom.fault("result_code", code=code)
    ocid = str(uuid.uuid4())
    safaricom.pay(ocid=ocid)
    (body,) = posted.wait("result")
    assert body["Result"]["ResultCode"] == code
    assert "ResultParameters" not in body["Result"]
    assert len(body["Result"]["TransactionID"]) == 10
    assert read(body).receipt is None
    assert safaricom.paid(ocid) == 0


def test_a_wrong_password_is_acknowledged_then_refused_then_locked(
    safaricom: SafaricomSandbox, posted: Posted
) -> None:
    """Three wrong ones: 2001 each. After that 8006, also for the right one, until unlocked."""
    acks = [safaricom.pay(password="wrong").json()["ResponseCode"] for _ in range(3)]
    acks.append(safaricom.pay().json()["ResponseCode"])
    assert acks == ["0"] * 4
    codes = [body["Result"]["ResultCode"] for body in posted.wait("result", 4)]
    assert sorted(codes) == [2001, 2001, 2001, 8006]
    safaricom.post("/portal/unlock", {})
    safaricom.pay()
    assert posted.wait("result", 5)[-1]["Result"]["ResultCode"] == 0


@pytest.mark.parametrize("shillings", [604, 704])
def test_a_result_may_come_twice(
    safaricom: SafaricomSandbox, posted: Posted, shillings: int
) -> None:
    safaricom.pay(shillings=shillings)
    first, second = posted.wait("result", 2)
    assert first == second


def test_a_result_may_come_before_the_answer(safaricom: SafaricomSandbox, posted: Posted) -> None:
    safaricom.fault("callback_before_ack")
    safaricom.pay()
    assert len(posted.bodies("result")) == 1


def test_a_result_may_be_lost(safaricom: SafaricomSandbox, posted: Posted) -> None:
    """Nothing is planned, so nothing can come."""
    ocid = str(uuid.uuid4())
    safaricom.pay(ocid=ocid, shillings=503)
    assert safaricom.get(f"/truth/requests/{ocid}")["callbacks"] == []


def test_a_result_may_be_late(safaricom: SafaricomSandbox, posted: Posted) -> None:
    """Ten minutes, here divided by ten; the payment is made at once."""
    ocid = str(uuid.uuid4())
    safaricom.pay(ocid=ocid, shillings=505)
    assert safaricom.paid(ocid) == 1
    (post,) = safaricom.get(f"/truth/requests/{ocid}")["callbacks"]
    assert post["done_at"] is None
    safaricom.fault("callback_late", after_s=0.1)
    safaricom.pay(ocid=(second := str(uuid.uuid4())))
    assert read(posted.wait("result")[0]).ocid == second


def test_a_timeout_notice_is_our_request_sent_back(
    safaricom: SafaricomSandbox, posted: Posted
) -> None:
    """Then the result comes all the same."""
    safaricom.fault("timeout_notice_then_success", after_s=0.2)
    ocid = str(uuid.uuid4())
    safaricom.pay(ocid=ocid)
    (notice,) = posted.wait("timeout")
    assert parse_timeout(notice).ocid == ocid
    assert notice["Amount"] == "1500"
    assert read(posted.wait("result")[0]).verdict is Verdict.SUCCESS


def test_a_timeout_notice_may_be_all_and_may_look_like_a_result(
    safaricom: SafaricomSandbox, posted: Posted
) -> None:
    safaricom.fault("timeout_notice_then_nothing")
    safaricom.pay(ocid=(first := str(uuid.uuid4())))
    safaricom.fault("timeout_envelope_then_success", after_s=0.1)
    safaricom.pay(ocid=(second := str(uuid.uuid4())))
    notices = [parse_timeout(body).ocid for body in posted.wait("timeout", 2)]
    assert sorted(filter(None, notices)) == sorted([first, second])
    assert [read(body).ocid for body in posted.wait("result")] == [second]
    assert (safaricom.paid(first), safaricom.paid(second)) == (1, 1)


@pytest.mark.parametrize(
    ("behaviour", "verdicts"),
    [
        ("failure_then_success", [Verdict.DEFINITE_NO, Verdict.SUCCESS]),
        ("success_then_failure", [Verdict.SUCCESS, Verdict.DEFINITE_NO]),
    ],
)
def test_results_may_contradict_each_other(
    safaricom: SafaricomSandbox, posted: Posted, behaviour: str, verdicts: list[Verdict]
) -> None:
    safaricom.fault(behaviour, after_s=0.3)
    ocid = str(uuid.uuid4())
    safaricom.pay(ocid=ocid)
    assert [read(body).verdict for body in posted.wait("result", 2)] == verdicts
    assert safaricom.paid(ocid) == 1


def odd(safaricom: SafaricomSandbox, posted: Posted, behaviour: str) -> dict[str, Any]:
    """The result of a payout that was paid, in an odd form."""
    safaricom.fault(behaviour)
    safaricom.pay(shillings=1500)
    return posted.wait("result")[0]


def test_wrong_amount(safaricom: SafaricomSandbox, posted: Posted) -> None:
    assert read(odd(safaricom, posted, "wrong_amount")).amount_cents == 1501_00


def test_wrong_and_masked_phone(safaricom: SafaricomSandbox, posted: Posted) -> None:
    wrong = read(odd(safaricom, posted, "wrong_phone")).receiver
    assert same_phone(MEMBER, wrong) is PhoneMatch.DIFFERENT
    safaricom.fault("masked_phone")
    safaricom.pay()
    masked = read(posted.wait("result", 2)[1]).receiver
    assert masked == "2547*****678"
    assert same_phone(MEMBER, masked) is PhoneMatch.COMPATIBLE


def test_parameters_as_one_object(safaricom: SafaricomSandbox, posted: Posted) -> None:
    body = odd(safaricom, posted, "parameters_as_object")
    assert isinstance(body["Result"]["ResultParameters"]["ResultParameter"], dict)
    assert read(body).amount_cents == 1500_00


def test_parameters_missing(safaricom: SafaricomSandbox, posted: Posted) -> None:
    body = odd(safaricom, posted, "parameters_missing")
    assert "ResultParameters" not in body["Result"]
    assert body["Result"]["ResultCode"] == 0


def test_parameters_in_another_order(safaricom: SafaricomSandbox, posted: Posted) -> None:
    body = odd(safaricom, posted, "parameters_shuffled")
    assert body["Result"]["ResultParameters"]["ResultParameter"][0]["Key"] != "TransactionAmount"
    assert read(body).amount_cents == 1500_00


def test_a_parameter_without_a_value(safaricom: SafaricomSandbox, posted: Posted) -> None:
    body = odd(safaricom, posted, "value_missing")
    entries = body["Result"]["ResultParameters"]["ResultParameter"]
    assert {"Key": "B2CUtilityAccountAvailableFunds"} in entries
    assert read(body).utility_cents is None


def test_the_code_as_text(safaricom: SafaricomSandbox, posted: Posted) -> None:
    body = odd(safaricom, posted, "code_as_text")
    assert body["Result"]["ResultCode"] == "0"
    assert read(body).verdict is Verdict.SUCCESS


def test_ids_that_are_not_ours(safaricom: SafaricomSandbox, posted: Posted) -> None:
    safaricom.fault("other_conversation_id")
    safaricom.fault("unknown_ocid", match={"amount": 800})
    ack = safaricom.pay(shillings=700).json()
    first = read(posted.wait("result")[0])
    assert first.ocid == ack["OriginatorConversationID"]
    assert first.conversation_id != ack["ConversationID"]
    ack = safaricom.pay(shillings=800).json()
    second = read(posted.wait("result", 2)[1])
    assert second.ocid != ack["OriginatorConversationID"]


def test_more_to_come(safaricom: SafaricomSandbox, posted: Posted) -> None:
    assert not read(odd(safaricom, posted, "more_to_come")).final


def test_several_oddities_at_once(safaricom: SafaricomSandbox, posted: Posted) -> None:
    safaricom.fault("callback_twice", changes=["code_as_text", "wrong_amount"])
    safaricom.pay(shillings=900)
    for body in posted.wait("result", 2):
        assert (body["Result"]["ResultCode"], read(body).amount_cents) == ("0", 901_00)


def test_a_deaf_receiver_holds_up_nobody(safaricom: SafaricomSandbox, posted: Posted) -> None:
    posted.on("result", Reply(200, after_s=3))
    safaricom.pay()
    posted.wait("result")
    other = f"{posted.url}/told"
    safaricom.pay(ResultURL=other)
    assert len(posted.wait("told")) == 1
    assert requests.get(f"{safaricom.url}/health", timeout=1).ok
