"""`baraza dial` as a program, at the real sandbox's doors; Baraza's screens are written down."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.http_script import Reply, ScriptedServer, scripted_server
from tests.support.sandbox import PASSWORD, SandboxProcess, africastalking

PHONE = "+254712345678"
MENU = "CON Baraza SACCO\n1. Withdraw to M-PESA\n2. Balance"
AMOUNT = "CON Enter amount in KES\n50 to 250,000"
CONFIRM = "CON Withdraw KES 1,500\nto 0712***678\nEnter PIN to confirm"
DONE = "END Request BRZ2345678 is being processed. You will get an SMS."
SMS = "KES 1,500.00 sent to your M-PESA."
TIMEOUT_S = 20


@pytest.fixture
def baraza() -> Iterator[ScriptedServer]:
    """The four screens of a withdrawal, whatever is typed, then the first one again."""
    with scripted_server() as server:
        screens = [MENU, AMOUNT, CONFIRM, DONE, MENU]
        server.on("/ussd", *(Reply(body=s.encode(), content_type="text/plain") for s in screens))
        server.on("/delivery", Reply())
        yield server


@pytest.fixture
def gateway(tmp_path: Path, baraza: ScriptedServer) -> Iterator[SandboxProcess]:
    with africastalking(tmp_path, baraza.url) as running:
        yield running


def program(
    gateway_url: str, *arguments: str, **environment: str
) -> tuple[list[str], dict[str, str]]:
    run = [sys.executable, "-c", "from app.cli import main; main()", "dial", *arguments]
    return run, {**os.environ, "AT_URL": gateway_url, "COLUMNS": "100", **environment}


def dial(
    gateway_url: str, *arguments: str, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    run, env = program(gateway_url, *arguments, **environment)
    return subprocess.run(
        run, env=env, input=stdin, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


def send_sms(gateway: SandboxProcess, text: str = SMS) -> None:
    """What Baraza does when the money has gone."""
    requests.post(
        f"{gateway.url}/version1/messaging",
        data={"username": "sandbox", "to": PHONE, "message": text},
        headers={"apikey": PASSWORD, "Accept": "application/json"},
        timeout=TIMEOUT_S,
    ).raise_for_status()


def test_a_scripted_withdrawal_shows_screens_and_hides_the_pin(
    gateway: SandboxProcess, baraza: ScriptedServer
) -> None:
    """Replies from options, then from stdin; the PIN reaches Baraza and no output."""
    done = dial(gateway.url, "0712345678", "--reply", "1", "--wait", "0", stdin="1500\n4071\n")
    for line in ("+254712345678 dials *384*2025#", "1. Withdraw to M-PESA", "> 1500", "> ••••"):
        assert line in done.stdout
    assert "(45 of 160 septets" in done.stdout
    assert "4071" not in done.stdout + done.stderr
    assert b"text=1%2A1500%2A4071" in baraza.seen("/ussd")[-1].body
    assert (done.returncode, done.stderr.strip()) == (1, "(no SMS within 0 s)")


def test_it_waits_for_the_sms(gateway: SandboxProcess) -> None:
    """Only a new SMS counts; older ones are not shown again."""
    send_sms(gateway, "An old message.")
    run, env = program(gateway.url, PHONE, *(f"--reply={r}" for r in ("1", "1500", "4071")))
    process = subprocess.Popen(run, env=env, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    for line in process.stdout:
        if "You will get an SMS" in line:
            break
    send_sms(gateway)
    rest = process.stdout.read()
    process.stdout.close()
    assert process.wait(TIMEOUT_S) == 0
    assert re.search(rf"SMS from \S+: {re.escape(SMS)}", rest)
    assert "old message" not in rest


def test_running_out_of_replies_hangs_up(gateway: SandboxProcess) -> None:
    """The session does not stay open behind a script that has ended."""
    done = dial(gateway.url, PHONE, "--reply", "1")
    assert done.returncode == 0
    assert "(hung up)" in done.stdout
    (session,) = gateway.get("/handset/sessions")
    assert session["open"] is False


def test_a_broken_answer_is_shown_as_a_phone_does(
    gateway: SandboxProcess, baraza: ScriptedServer
) -> None:
    """No stack trace for the member, the reason for the developer."""
    baraza.on("/ussd", Reply(status=500, body=b"Traceback"))
    done = dial(gateway.url, PHONE)
    assert done.returncode == 1
    assert "Network error." in done.stdout
    assert "500" in done.stdout


def test_errors_name_the_cure(gateway: SandboxProcess) -> None:
    """Nobody there, not a number, a code nobody answers, production."""
    mistakes = {
        "start it with `make run`": dial("http://127.0.0.1:1", PHONE),
        "not a kenyan mobile number": dial(gateway.url, "+15551234567"),
        "nobody answers *999#": dial(gateway.url, PHONE, "--code", "*999#"),
        "must be set in production": dial(gateway.url, PHONE, BARAZA_ENV="production"),
    }
    for sentence, done in mistakes.items():
        assert done.returncode != 0
        assert sentence in done.stderr.lower()
        assert "Traceback" not in done.stderr


class Terminal:
    """A program on a terminal of its own, and what it has written there."""

    def __init__(self, run: list[str], env: dict[str, str]) -> None:
        self._own, theirs = pty.openpty()
        self.process = subprocess.Popen(
            run, env={**env, "TERM": "xterm"}, stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self.written = ""

    def until(self, text: str) -> None:
        """Read until this text was written since the last call that found its text."""
        deadline = time.monotonic() + TIMEOUT_S
        fresh = ""
        while text not in fresh:
            assert time.monotonic() < deadline, f"{text!r} is not in {fresh[-2000:]!r}"
            if select.select([self._own], [], [], 0.2)[0]:
                chunk = os.read(self._own, 65_536).decode("utf-8", "replace")
                fresh += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", chunk)
        self.written += fresh

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._own, keys.encode())

    def close(self) -> None:
        """End the program, whatever it is doing."""
        self.process.kill()
        self.process.wait()
        os.close(self._own)


def test_a_person_at_a_terminal(gateway: SandboxProcess) -> None:
    """Screens appear, the PIN shows as dots, the SMS comes while the phone lies there."""
    terminal = Terminal(*program(gateway.url, PHONE))
    try:
        terminal.until("2. Balance")
        terminal.press("1\n")
        terminal.until("Enter amount")
        terminal.press("1500\n")
        terminal.until("Enter PIN")
        terminal.press("4071")
        terminal.until("> ••••")
        terminal.press("\n")
        terminal.until("Waiting for the SMS")
        send_sms(gateway)
        terminal.until("KES 1,500.00 sent to your M-PESA.")
        terminal.press("\n")
        terminal.until("Inbox (1)")
        terminal.process.send_signal(signal.SIGINT)
        terminal.until("The phone is put away.")
        assert terminal.process.wait(TIMEOUT_S) == 0
    finally:
        terminal.close()
    assert "4071" not in terminal.written


def test_q_and_enter_typed_at_once_put_the_phone_away(gateway: SandboxProcess) -> None:
    """Enter alone dials again; a hasty q with Enter must not."""
    terminal = Terminal(*program(gateway.url, PHONE))
    try:
        terminal.until("2. Balance")
        terminal.press("\x04")
        terminal.until("q puts the phone away")
        terminal.press("q\n")
        assert terminal.process.wait(TIMEOUT_S) == 0
    finally:
        terminal.close()
