"""Safaricom's stand-in: what a payout call is answered, and whether it was paid."""

import uuid

import pytest
import requests

from tests.contract.conftest import Posted
from tests.support.sandbox import SafaricomSandbox

SHORT_S = 0.3


def outcomes(safaricom: SafaricomSandbox, ocid: str) -> list[str]:
    """What became of each call under this id."""
    return [call["outcome"] for call in safaricom.get(f"/truth/requests/{ocid}")["calls"]]


def test_a_request_is_acknowledged_and_paid_once(safaricom: SafaricomSandbox) -> None:
    """Four texts come back, our id unchanged; its own books say paid once, in full."""
    ocid = str(uuid.uuid4())
    answer = safaricom.pay(ocid=ocid, shillings=1500)
    body = answer.json()
    assert body.pop("ConversationID").startswith("AG_2")
    assert body == {
        "OriginatorConversationID": ocid,
        "ResponseCode": "0",
        "ResponseDescription": "Accept the service request successfully.",
    }
    paid = safaricom.get("/truth/paid")
    expected = {"times": 1, "cents": 1500_00, "msisdn": "+254712345678"}
    assert paid["by_ocid"][ocid] == expected
    assert paid["by_msisdn"]["+254712345678"]["cents"] >= 1500_00
    assert paid["total_cents"] >= 1500_00


def test_the_same_id_again_is_a_duplicate_and_pays_nothing(safaricom: SafaricomSandbox) -> None:
    ocid = str(uuid.uuid4())
    safaricom.pay(ocid=ocid)
    again = safaricom.pay(ocid=ocid)
    assert again.status_code == 500
    assert again.json()["errorCode"] == "500.002.1001"
    assert again.json()["errorMessage"] == "Duplicate OriginatorConversationID."
    assert safaricom.paid(ocid) == 1
    assert outcomes(safaricom, ocid) == ["accepted", "duplicate"]


def test_a_second_payment_would_be_counted(safaricom: SafaricomSandbox) -> None:
    """The counter is no mirror of the memory for ids: where that fails, it says two."""
    ocid = str(uuid.uuid4())
    safaricom.pay(ocid=ocid)
    safaricom.fault("forget_ocid", match={"ocid": ocid})
    safaricom.pay(ocid=ocid)
    assert safaricom.paid(ocid) == 2


@pytest.mark.parametrize("behaviour", ["hang_then_pay", "hang_then_pay_with_callback", "ack_late"])
def test_silence_after_taking_hides_a_payment(safaricom: SafaricomSandbox, behaviour: str) -> None:
    ocid = str(uuid.uuid4())
    safaricom.fault(behaviour, match={"api": "b2c"})
    with pytest.raises(requests.ReadTimeout):
        safaricom.pay(ocid=ocid, timeout=SHORT_S)
    assert safaricom.paid(ocid) == 1
    assert safaricom.pay(ocid=ocid).json()["errorCode"] == "500.002.1001"


def test_silence_without_taking_leaves_the_id_free(safaricom: SafaricomSandbox) -> None:
    """To the caller it looks the same; the resend is what gets paid."""
    ocid = str(uuid.uuid4())
    safaricom.fault("hang_and_drop", match={"api": "b2c"})
    with pytest.raises(requests.ReadTimeout):
        safaricom.pay(ocid=ocid, timeout=SHORT_S)
    assert safaricom.paid(ocid) == 0
    assert safaricom.pay(ocid=ocid).status_code == 200
    assert safaricom.paid(ocid) == 1


@pytest.mark.parametrize(
    ("behaviour", "times"),
    [("reset_before_processing", 0), ("reset_after_processing", 1), ("half_an_answer", 1)],
)
def test_a_reset_tells_nothing_about_the_payment(
    safaricom: SafaricomSandbox, behaviour: str, times: int
) -> None:
    ocid = str(uuid.uuid4())
    safaricom.fault(behaviour, match={"api": "b2c"})
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        safaricom.pay(ocid=ocid)
    assert safaricom.paid(ocid) == times


@pytest.mark.parametrize(
    ("behaviour", "status", "content_type", "times"),
    [
        ("html_200", 200, "text/html; charset=utf-8", 1),
        ("empty_200", 200, "application/json", 1),
        ("internal_error_not_taken", 500, "application/json", 0),
        ("internal_error_but_taken", 500, "application/json", 1),
        ("error_envelope_200", 200, "application/json", 0),
        ("spike_arrest", 500, "application/json", 0),
        ("spike_arrest_429", 429, "application/json", 0),
        ("forbidden_html", 403, "text/html; charset=utf-8", 0),
        ("gateway_timeout_html", 504, "text/html; charset=utf-8", 0),
        ("maintenance", 500, "application/json", 0),
        ("empty_500", 500, None, 0),
    ],
)
def test_odd_answers(
    safaricom: SafaricomSandbox, behaviour: str, status: int, content_type: str, times: int
) -> None:
    """Each is what it is called, and its own books say whether it was taken."""
    ocid = str(uuid.uuid4())
    safaricom.fault(behaviour, match={"api": "b2c"})
    answer = safaricom.pay(ocid=ocid)
    assert (status, content_type) == (answer.status_code, answer.headers.get("Content-Type"))
    assert safaricom.paid(ocid) == times


def test_a_fault_can_say_whether_the_request_was_taken(safaricom: SafaricomSandbox) -> None:
    ocid = str(uuid.uuid4())
    safaricom.fault("gateway_timeout_html", taken=True)
    assert safaricom.pay(ocid=ocid).status_code == 504
    assert safaricom.paid(ocid) == 1


def test_a_fault_waits_for_its_call_and_is_used_up(safaricom: SafaricomSandbox) -> None:
    """It fits by its facts, from the nth fitting call on, as often as it says."""
    safaricom.fault("spike_arrest", match={"api": "b2c", "amount": 770, "nth": 2}, times=2)
    others = [safaricom.pay(shillings=880).status_code for _ in range(2)]
    fitting = [safaricom.pay(shillings=770).status_code for _ in range(4)]
    assert others == [200, 200]
    assert fitting == [200, 500, 500, 200]
    (listed,) = safaricom.get("/faults")
    assert (listed["used"], listed["times_left"]) == (2, 0)


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"do": "explode"}, "hang_then_pay"),
        ({"do": "callback_late", "after": 3}, "unknown parameter after;"),
        ({"do": "succeed", "match": {"phone": "0712345678"}}, "unknown fact phone;"),
        ({"do": "succeed", "changes": ["wrong_currency"]}, "unknown change wrong_currency;"),
        ({"do": "succeed", "times": 0}, "'times' must be"),
        ([], "JSON object"),
    ],
)
def test_a_slip_in_a_fault_is_refused_by_name(
    safaricom: SafaricomSandbox, asked: object, named: str
) -> None:
    """A fault that could never happen would let a test pass for nothing."""
    answer = requests.post(f"{safaricom.url}/faults", json=asked, timeout=5)
    assert answer.status_code == 400
    assert named in answer.json()["error"]
    assert safaricom.get("/faults") == []


def test_every_fault_counts_the_calls_that_fit_it(safaricom: SafaricomSandbox) -> None:
    """Also those that an older fault takes, so `nth` means what it says."""
    safaricom.fault("spike_arrest", match={"amount": 660})
    safaricom.fault("forbidden_html", match={"amount": 660, "nth": 2})
    assert [safaricom.pay(shillings=660).status_code for _ in range(3)] == [500, 403, 200]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Amount", "10.50"),
        ("Amount", "0"),
        ("PartyB", "+254712345678"),
        ("PartyB", "0712345678"),
        ("Remarks", "x"),
        ("CommandID", "BusinessPay"),
        ("OriginatorConversationID", ""),
        ("ResultURL", "not-an-address"),
        ("SecurityCredential", None),
    ],
)
def test_the_first_bad_field_is_named(
    safaricom: SafaricomSandbox, field: str, value: object
) -> None:
    answer = safaricom.pay(**{field: value})
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "400.002.02")
    assert answer.json()["errorMessage"] == f"Bad Request - Invalid {field}"


@pytest.mark.parametrize(
    ("shillings", "times"), [(503, 1), (504, 1), (506, 1), (507, 1), (509, 1), (510, 0), (502, 0)]
)
def test_the_last_two_digits_choose(
    safaricom: SafaricomSandbox, shillings: int, times: int
) -> None:
    ocid = str(uuid.uuid4())
    assert safaricom.pay(ocid=ocid, shillings=shillings).json()["ResponseCode"] == "0"
    assert safaricom.paid(ocid) == times


def test_amounts_ending_in_08_fail_once_and_are_paid_when_sent_again(
    safaricom: SafaricomSandbox,
) -> None:
    ocid = str(uuid.uuid4())
    first = safaricom.pay(ocid=ocid, shillings=508)
    second = safaricom.pay(ocid=ocid, shillings=508)
    assert (first.status_code, second.status_code) == (500, 200)
    assert outcomes(safaricom, ocid) == ["not_taken", "accepted"]
    assert safaricom.paid(ocid) == 1


def test_amounts_ending_in_01_are_paid_in_silence(
    safaricom: SafaricomSandbox, posted: Posted
) -> None:
    ocid = str(uuid.uuid4())
    with pytest.raises(requests.ReadTimeout):
        safaricom.pay(ocid=ocid, shillings=501, timeout=SHORT_S)
    assert safaricom.paid(ocid) == 1
    assert posted.bodies("result") == []


def test_an_empty_float_refuses_in_the_result(safaricom: SafaricomSandbox, posted: Posted) -> None:
    before = safaricom.get("/truth/accounts")["utility_cents"]
    safaricom.post("/portal/float", {"shillings": 100})
    ocid = str(uuid.uuid4())
    assert safaricom.pay(ocid=ocid).json()["ResponseCode"] == "0"
    safaricom.post("/portal/float", {"shillings": before // 100})
    (told,) = posted.wait("result")
    assert told["Result"]["ResultCode"] == 1
    assert safaricom.paid(ocid) == 0
