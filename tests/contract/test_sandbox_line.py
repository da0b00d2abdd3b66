"""The line between a phone and Baraza: slow, lossy, and never open for longer than allowed."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.contract.conftest import Posted
from tests.support import sandbox
from tests.support.http_script import Reply, ScriptedServer
from tests.support.sandbox import SandboxProcess, wait_for

PHONE = "+254712345678"
TEXT = "text/plain; charset=utf-8"


@pytest.fixture
def baraza(listener: ScriptedServer) -> Posted:
    """Every hop is answered with the same open screen."""
    made = Posted(listener, "")
    made.on("ussd", Reply(200, b"CON Karibu [1]", TEXT))
    return made


@pytest.fixture
def hasty(tmp_path: Path, listener: ScriptedServer, baraza: Posted) -> Iterator[SandboxProcess]:
    """A network with little patience for people."""
    end = ("--end-url", f"{listener.url}/end", "--idle", "0.4", "--session", "60")
    with sandbox.africastalking(tmp_path, listener.url, *end) as process:
        yield process


def dial(gateway: SandboxProcess, **more: Any) -> dict[str, Any]:
    """What the gateway says to a dialled code."""
    answer = gateway.post("/handset/dial", {"phone": PHONE, "code": "*384*2025#", **more})
    assert isinstance(answer, dict)
    return answer


def test_an_answer_tells_the_room_it_takes_and_the_time_that_is_left(
    gateway: SandboxProcess, baraza: Posted
) -> None:
    """Brackets take two septets each; CON is not counted."""
    screen = dial(gateway)
    assert screen["septets"] == len("Karibu [1]") + 2
    assert (screen["idle_s"], screen["session_s"]) == (30, 180)
    assert 29 < screen["idle_left_s"] <= 30
    assert 179 < screen["session_left_s"] <= 180
    later = gateway.get("/handset/session", session_id=screen["session_id"])
    assert later["open"]
    assert "body" not in later


def test_letters_that_no_phone_shows_have_no_size(gateway: SandboxProcess, baraza: Posted) -> None:
    baraza.on("ussd", Reply(200, "CON 你好".encode(), TEXT))
    assert dial(gateway)["septets"] is None


def test_a_lost_answer_ends_the_phones_session_and_baraza_had_answered(
    gateway: SandboxProcess, baraza: Posted
) -> None:
    """The phone sees nothing of it, and cannot reply any more."""
    before = len(baraza.forms("ussd"))
    lost = dial(gateway, lose_answer=True)
    assert len(baraza.forms("ussd")) == before + 1
    assert (lost["lost"], lost["body"], lost["open"]) == (True, "", False)
    assert lost["idle_left_s"] == 0
    replied = requests.post(
        f"{gateway.url}/handset/reply",
        json={"session_id": lost["session_id"], "text": "1"},
        timeout=5,
    )
    assert replied.status_code == 409


def test_a_slow_line_brings_the_answer_later_and_starts_the_clock_then(
    gateway: SandboxProcess, baraza: Posted
) -> None:
    screen = dial(gateway, slow_s=0.3)
    assert screen["milliseconds"] >= 300
    assert screen["idle_left_s"] > 29.9


@pytest.mark.parametrize("wish", [{"slow_s": "4"}, {"slow_s": -1}, {"lose_answer": "yes"}])
def test_a_wish_that_cannot_be_meant_is_a_good_line(
    gateway: SandboxProcess, baraza: Posted, wish: dict[str, Any]
) -> None:
    screen = dial(gateway, **wish)
    assert screen["open"]
    assert screen["milliseconds"] < 4000


def test_a_session_that_nobody_answers_ends_by_itself_and_baraza_is_told(
    hasty: SandboxProcess, listener: ScriptedServer
) -> None:
    """As at a telco: nobody has to look for it to be over."""
    session = dial(hasty)["session_id"]

    def told() -> bool:
        return any(session.encode() in seen.body for seen in listener.seen("/end"))

    listener.on("/end", Reply(200))
    assert wait_for(told)
    ended = hasty.get("/handset/session", session_id=session)
    assert (ended["open"], ended["error"]) == (False, "the session timed out")


def test_an_answer_that_is_under_way_is_nobodys_silence(hasty: SandboxProcess) -> None:
    """A line slower than the network's patience with people ends no session."""
    began = time.monotonic()
    screen = dial(hasty, slow_s=1)
    assert time.monotonic() - began >= 1
    assert screen["open"]
