"""Africa's Talking's stand-in: phones, and the requests that the gateway makes of them."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from app.commands.handset import Handset, NoService, SandboxNetwork
from tests.contract.conftest import Posted
from tests.support import sandbox
from tests.support.http_script import Hang, Reply, ScriptedServer
from tests.support.sandbox import SandboxProcess, wait_for

TEXT = "text/plain; charset=utf-8"
PHONE = "+254712345678"


def screen(text: str, status: int = 200) -> Reply:
    """What Baraza would answer."""
    return Reply(status, text.encode(), TEXT)


@pytest.fixture
def baraza(listener: ScriptedServer) -> Posted:
    """Every hop is answered with the same open screen unless a test says otherwise."""
    made = Posted(listener, "")
    made.on("ussd", screen("CON Welcome"))
    return made


@pytest.fixture
def handset(gateway: SandboxProcess, baraza: Posted) -> Handset:
    """A phone at this gateway."""
    return Handset(SandboxNetwork(gateway.url), PHONE)


def hops(baraza: Posted, handset: Handset) -> list[dict[str, str]]:
    """The requests of this phone's last session."""
    session = handset.session_id
    return [form for form in baraza.forms("ussd") if form["sessionId"] == session]


def test_a_dial_is_a_genuine_gateway_request(handset: Handset, baraza: Posted) -> None:
    """A form of exactly five fields, the plus encoded, the text empty."""
    handset.dial().sees("CON Welcome")
    session = handset.session_id
    assert re.fullmatch(r"ATUid_[0-9a-f]{32}", session)
    seen = baraza.server.seen("/ussd")[-1]
    assert seen.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert b"phoneNumber=%2B254712345678" in seen.body
    assert hops(baraza, handset) == [
        {
            "sessionId": session,
            "phoneNumber": PHONE,
            "serviceCode": "*384*2025#",
            "networkCode": "63902",
            "text": "",
        }
    ]
    assert (handset.shown.is_open, handset.shown.fault) == (True, "")
    assert handset.shown.milliseconds >= 0


def test_replies_pile_up_in_the_text(handset: Handset, baraza: Posted) -> None:
    """Nothing typed is an empty piece; a star in a reply cannot be told from two replies."""
    handset.dial().reply("1", "", "5*5", "4071")
    texts = [form["text"] for form in hops(baraza, handset)]
    assert texts == ["", "1", "1*", "1**5*5", "1**5*5*4071"]


def test_a_deep_dial_begins_with_text(handset: Handset, baraza: Posted) -> None:
    handset.deep_dial("1*500").reply("1")
    assert [form["text"] for form in hops(baraza, handset)] == ["1*500", "1*500*1"]


@pytest.mark.parametrize("code", ["*384*2025", "*384*20255#", "*100#", ""])
def test_other_codes_are_answered_by_nobody(
    gateway: SandboxProcess, baraza: Posted, code: str
) -> None:
    before = len(baraza.forms("ussd"))
    answer = requests.post(
        f"{gateway.url}/handset/dial", json={"phone": PHONE, "code": code}, timeout=5
    )
    assert answer.status_code == 404
    assert len(baraza.forms("ussd")) == before


def test_numbers_are_taken_as_people_write_them(
    gateway: SandboxProcess, handset: Handset, baraza: Posted
) -> None:
    handset.phone = "0712 345 678"
    handset.dial()
    assert hops(baraza, handset)[0]["phoneNumber"] == PHONE
    answer = requests.post(f"{gateway.url}/handset/dial", json={"phone": "12"}, timeout=5)
    assert answer.status_code == 400


def test_a_resend_is_the_same_request(handset: Handset, baraza: Posted) -> None:
    """Once, several times at once, and after the end."""
    handset.dial().reply("1").resend()
    first, second = hops(baraza, handset)[1:]
    assert first == second
    baraza.on("ussd", screen("END Done"))
    handset.reply("2")
    assert not handset.shown.is_open
    assert handset.resend_concurrently(3) == ["END Done"] * 3
    assert handset.late(1) == "END Done"
    texts = [form["text"] for form in hops(baraza, handset)]
    assert texts == ["", "1", "1", "1*2", "1*2", "1*2", "1*2", "1"]
    with pytest.raises(NoService, match="no hop of this session"):
        handset.late(3)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (screen("END Bye"), ""),
        (screen("CON Oops", 500), "unexpected response code 500"),
        (screen(" CON space"), "the answer begins neither with CON nor with END"),
        (screen(""), "the answer begins neither with CON nor with END"),
    ],
)
def test_a_session_ends_on_end_and_on_any_fault(
    gateway: SandboxProcess, handset: Handset, baraza: Posted, answer: Reply, error: str
) -> None:
    baraza.on("ussd", answer)
    handset.dial()
    assert (handset.shown.is_open, handset.shown.fault) == (False, error)
    refused = requests.post(
        f"{gateway.url}/handset/reply",
        json={"session_id": handset.session_id, "text": "1"},
        timeout=5,
    )
    assert refused.status_code == 409


def test_the_gateway_waits_so_long_and_no_longer(tmp_path: Path, baraza: Posted) -> None:
    """Ten seconds, unless told otherwise. The session is then over, in the gateway's words."""
    baraza.on("ussd", Hang())
    with sandbox.africastalking(tmp_path, baraza.server.url, "--patience", "0.5") as gateway:
        handset = Handset(SandboxNetwork(gateway.url), PHONE).dial()
    assert not handset.shown.is_open
    assert handset.shown.fault == "TimeoutError"
    assert 400 < handset.shown.milliseconds < 2_000


def test_the_end_of_a_session_is_told(handset: Handset, baraza: Posted) -> None:
    """With a status of its own: the member dropped, or saw the END."""
    handset.dial().reply("1").drop()
    dropped = handset.session_id
    baraza.on("ussd", screen("END Bye"))
    handset.dial()
    ended = handset.session_id

    def told() -> dict[str, dict[str, str]]:
        found = {form["sessionId"]: form for form in baraza.forms("end")}
        return found if {dropped, ended} <= found.keys() else {}

    notices = wait_for(told)
    assert (notices[dropped]["status"], notices[ended]["status"]) == ("Incomplete", "Success")
    assert (notices[dropped]["hopsCount"], notices[dropped]["input"]) == ("2", "1")


def test_a_screen_left_alone_times_out(tmp_path: Path, baraza: Posted) -> None:
    arguments = ("--idle", "0.2")
    with sandbox.africastalking(tmp_path, baraza.server.url, *arguments) as gateway:
        handset = Handset(SandboxNetwork(gateway.url), PHONE).dial()
        time.sleep(0.3)
        with pytest.raises(NoService, match="the session has ended"):
            handset.reply("1")


def test_sessions_are_listed_without_what_was_typed(
    gateway: SandboxProcess, handset: Handset
) -> None:
    """And nothing typed is on disk."""
    handset.dial().reply("1", "500", "90807")
    listed: list[dict[str, Any]] = gateway.get("/handset/sessions")
    (one,) = (row for row in listed if row["session_id"] == handset.session_id)
    assert (one["phone"], one["hops"], one["status"]) == (PHONE, 4, "Active")
    assert "90807" not in str(listed)
    for file in gateway.state.iterdir():
        assert b"90807" not in file.read_bytes()
