"""Africa's Talking's stand-in: messages, answers and delivery reports."""

import uuid
from typing import Any

import pytest
import requests

from tests.contract.conftest import Posted
from tests.support.http_script import ScriptedServer
from tests.support.sandbox import PASSWORD, SandboxProcess, wait_for

SHORT_S = 0.3


@pytest.fixture
def phone() -> str:
    """A number that only this test uses."""
    return f"+2547{uuid.uuid4().int % 10**8:08d}"


@pytest.fixture
def reports(listener: ScriptedServer) -> Posted:
    """Everything that comes to the address for delivery reports."""
    return Posted(listener, "")


def send(
    gateway: SandboxProcess, to: str, text: str = "KES 500 sent", *, key: str = PASSWORD,
    timeout: float = 10, **changed: str,
) -> requests.Response:  # fmt: skip
    """One message, as the SDK sends it."""
    fields = {"username": "sandbox", "to": to, "message": text, "bulkSMSMode": "1", **changed}
    headers = {"apiKey": key, "Accept": "application/json"}
    return requests.post(
        f"{gateway.url}/version1/messaging", data=fields, headers=headers, timeout=timeout
    )


def recipients(answer: requests.Response) -> list[dict[str, Any]]:
    """The list in an answer."""
    return list(answer.json()["SMSMessageData"]["Recipients"])


def reported(reports: Posted, phone: str, count: int = 1) -> list[str]:
    """The statuses reported for a phone, once there are this many."""

    def statuses() -> list[str]:
        forms = reports.forms("delivery")
        return [form["status"] for form in forms if form["phoneNumber"] == phone]

    wait_for(lambda: len(statuses()) >= count)
    return statuses()


def texts(gateway: SandboxProcess, phone: str) -> list[tuple[str, str]]:
    """What is in a phone's inbox, with its fate."""
    inbox = gateway.get("/handset/inbox", phone=phone)
    return [(message["text"], message["status"]) for message in inbox]


def test_a_message_is_taken_delivered_and_reported(
    gateway: SandboxProcess, phone: str, reports: Posted
) -> None:
    answer = send(gateway, phone, "Habari", **{"from": "BARAZA"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (201, "application/json")
    assert answer.json()["SMSMessageData"]["Message"] == "Sent to 1/1 Total Cost: KES 0.8000"
    (one,) = recipients(answer)
    assert one.pop("messageId").startswith("ATXid_")
    assert one == {"statusCode": 101, "number": phone, "status": "Sent", "cost": "KES 0.8000"}
    (message,) = gateway.get("/handset/inbox", phone=phone)
    assert (message["sender"], message["text"], message["status"]) == (
        "BARAZA", "Habari", "Success",
    )  # fmt: skip
    assert reported(reports, phone) == ["Success"]
    (form,) = (form for form in reports.forms("delivery") if form["phoneNumber"] == phone)
    assert form == {
        "id": message["id"],
        "status": "Success",
        "phoneNumber": phone,
        "networkCode": "63902",
    }


def test_several_phones_each_have_an_answer(gateway: SandboxProcess, phone: str) -> None:
    """A bad number is the text None and costs nothing, inside an HTTP 201."""
    answer = send(gateway, f"{phone},0712345678")
    good, bad = recipients(answer)
    assert good["statusCode"] == 101
    assert bad == {
        "statusCode": 403,
        "number": "0712345678",
        "status": "InvalidPhoneNumber",
        "cost": "0",
        "messageId": "None",
    }


@pytest.mark.parametrize("wrong", [{"key": "stolen"}, {"username": "somebody"}])
def test_a_wrong_key_or_name_is_401_in_plain_text(
    gateway: SandboxProcess, phone: str, wrong: dict[str, str]
) -> None:
    answer = send(gateway, phone, **wrong)  # type: ignore[arg-type]
    assert answer.status_code == 401
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert texts(gateway, phone) == []


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (100, "Processed"), (102, "Queued"), (401, "RiskHold"), (402, "InvalidSenderId"),
        (403, "InvalidPhoneNumber"), (404, "UnsupportedNumberType"), (405, "InsufficientBalance"),
        (406, "UserInBlacklist"), (407, "CouldNotRoute"), (409, "DoNotDisturbRejection"),
        (500, "InternalServerError"), (501, "GatewayError"), (502, "RejectedByGateway"),
    ],
)  # fmt: skip
def test_every_status_code(gateway: SandboxProcess, phone: str, code: int, name: str) -> None:
    """Only 100 to 102 reach the phone; the others have no message id."""
    gateway.fault("status_code", code=code, match={"api": "sms", "msisdn": phone})
    (one,) = recipients(send(gateway, phone))
    assert (one["statusCode"], one["status"]) == (code, name)
    assert (one["messageId"] != "None", len(texts(gateway, phone)) == 1) == (code < 400, code < 400)


@pytest.mark.parametrize(
    ("behaviour", "status", "content_type", "taken"),
    [
        ("empty_recipients", 201, "application/json", 0),
        ("content_type_with_charset", 201, "application/json; charset=utf-8", 1),
        ("key_refused", 401, "text/plain; charset=utf-8", 0),
        ("too_many_requests", 429, "text/plain; charset=utf-8", 0),
        ("html_500_not_taken", 500, "text/html; charset=utf-8", 0),
        ("html_500_but_taken", 500, "text/html; charset=utf-8", 1),
        ("not_json", 201, "application/json", 1),
    ],
)
def test_odd_answers(
    gateway: SandboxProcess,
    phone: str,
    *,
    behaviour: str,
    status: int,
    content_type: str,
    taken: int,
) -> None:
    gateway.fault(behaviour)
    answer = send(gateway, phone)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, content_type)
    assert len(texts(gateway, phone)) == taken


def test_empty_recipients_have_their_reason_in_the_summary(
    gateway: SandboxProcess, phone: str
) -> None:
    gateway.fault("empty_recipients")
    data = send(gateway, phone).json()["SMSMessageData"]
    assert data == {"Message": "InvalidSenderId", "Recipients": []}


@pytest.mark.parametrize(
    ("behaviour", "taken"), [("hang_after_accepting", 1), ("hang_and_drop", 0)]
)
def test_silence(gateway: SandboxProcess, phone: str, behaviour: str, taken: int) -> None:
    gateway.fault(behaviour)
    with pytest.raises(requests.ReadTimeout):
        send(gateway, phone, timeout=SHORT_S)
    assert len(texts(gateway, phone)) == taken


@pytest.mark.parametrize(
    ("behaviour", "taken"),
    [("reset_after_accepting", 1), ("reset_before_accepting", 0), ("half_an_answer", 1)],
)
def test_resets(gateway: SandboxProcess, phone: str, behaviour: str, taken: int) -> None:
    gateway.fault(behaviour)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        send(gateway, phone)
    assert len(texts(gateway, phone)) == taken


def test_a_dripping_answer_keeps_coming(gateway: SandboxProcess, phone: str) -> None:
    """No read of the client's waits long, and yet the answer is not there."""
    gateway.fault("dripping_answer")
    url = f"{gateway.url}/version1/messaging"
    fields = {"username": "sandbox", "to": phone, "message": "x"}
    with requests.post(
        url, data=fields, headers={"apiKey": PASSWORD}, timeout=3, stream=True
    ) as answer:
        bytes_in_turn = answer.iter_content(1)
        assert next(bytes_in_turn) + next(bytes_in_turn) == b'{"'
    assert len(texts(gateway, phone)) == 1


@pytest.mark.parametrize(
    ("behaviour", "statuses"),
    [
        ("report_twice", ["Success", "Success"]),
        ("reports_reordered", ["Success", "Sent"]),
        ("report_unknown_status", ["LostInTheMail"]),
        ("report_absent_then_success", ["AbsentSubscriber", "Success"]),
    ],
)
def test_odd_reports(
    gateway: SandboxProcess, phone: str, reports: Posted, behaviour: str, statuses: list[str]
) -> None:
    gateway.fault(behaviour)
    send(gateway, phone)
    assert reported(reports, phone, len(statuses)) == statuses


def test_a_report_may_come_before_the_answer(
    gateway: SandboxProcess, phone: str, reports: Posted
) -> None:
    gateway.fault("report_before_answer")
    send(gateway, phone)
    forms = [form["phoneNumber"] for form in reports.forms("delivery")]
    assert forms.count(phone) == 1


def test_a_report_may_never_come(gateway: SandboxProcess, phone: str) -> None:
    """None is planned; the message is delivered all the same."""
    gateway.fault("report_never")
    (one,) = recipients(send(gateway, phone))
    assert gateway.get(f"/truth/messages/{one['messageId']}")["reports"] == []
    assert texts(gateway, phone) == [("KES 500 sent", "Success")]


@pytest.mark.parametrize("amount", ["KES 1,509", "KES 509.00"])
def test_amounts_ending_in_09_are_not_delivered(
    gateway: SandboxProcess, phone: str, reports: Posted, amount: str
) -> None:
    """The first amount in the text counts, whatever other amounts follow."""
    send(gateway, phone, f"{amount} sent. Fee KES 11.00.")
    assert reported(reports, phone) == ["Failed"]
    (form,) = (form for form in reports.forms("delivery") if form["phoneNumber"] == phone)
    assert form["failureReason"] == "DeliveryFailure"
    assert [status for _, status in texts(gateway, phone)] == ["Failed"]


def test_the_same_message_twice_is_two_messages(gateway: SandboxProcess, phone: str) -> None:
    """There is no memory for repeats: what is sent twice is read twice."""
    before = gateway.get("/truth/calls")["sms"]["accepted"]
    send(gateway, phone)
    send(gateway, phone)
    assert len(texts(gateway, phone)) == 2
    assert gateway.get("/truth/calls")["sms"]["accepted"] == before + 2


def test_a_killed_gateway_keeps_its_messages(
    gateway: SandboxProcess, phone: str, reports: Posted
) -> None:
    """And makes the reports that were still due."""
    gateway.fault("succeed", after_s=1.0)
    send(gateway, phone)
    gateway.kill()
    gateway.start()
    assert len(texts(gateway, phone)) == 1
    assert reported(reports, phone) == ["Success"]
