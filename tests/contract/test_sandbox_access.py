"""The sandbox's processes: who may call, what a kill leaves behind, where they refuse to run."""

import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psutil
import pytest
import requests

from tests.contract.conftest import Posted
from tests.support import sandbox
from tests.support.sandbox import SafaricomSandbox, SandboxProcess, wait_for

MEMORY_KB_MAX = 40 * 1024
STOP_S_MAX = 2


def test_a_token_is_text_and_its_lifetime_too(safaricom: SafaricomSandbox) -> None:
    body = safaricom.ask_token().json()
    assert isinstance(body["access_token"], str)
    assert body["expires_in"] == "3599"


def test_a_new_token_kills_the_one_before(safaricom: SafaricomSandbox) -> None:
    old = safaricom.token()
    new = safaricom.ask_token().json()["access_token"]
    assert old != new
    refused = safaricom.pay()
    assert (refused.status_code, refused.json()["errorCode"]) == (401, "401.002.01")
    refused = safaricom.ask("x")
    assert (refused.status_code, refused.json()["errorCode"]) == (400, "400.003.01")
    safaricom.token()
    assert safaricom.pay().status_code == 200


def test_wrong_keys_get_an_empty_answer_and_a_wrong_grant_a_reason(
    safaricom: SafaricomSandbox,
) -> None:
    wrong = safaricom.ask_token(key="somebody")
    assert (wrong.status_code, wrong.content) == (400, b"")
    assert safaricom.ask_token(grant="password").json()["errorCode"] == "400.008.02"
    bare = requests.get(f"{safaricom.url}/oauth/v1/generate", timeout=5)
    assert bare.json()["errorCode"] == "400.008.01"


def test_a_token_may_expire_in_the_middle(safaricom: SafaricomSandbox) -> None:
    """The call is refused and nothing is taken, until there is a new token."""
    ocid = str(uuid.uuid4())
    safaricom.fault("token_expired", match={"api": "b2c"})
    statuses = [safaricom.pay(ocid=ocid).status_code for _ in range(2)]
    safaricom.token()
    assert [*statuses, safaricom.pay(ocid=ocid).status_code] == [401, 401, 200]
    assert safaricom.paid(ocid) == 1


def test_the_token_call_can_fail_too(safaricom: SafaricomSandbox) -> None:
    before = safaricom.get("/truth/calls")["oauth"]["total"]
    safaricom.fault("forbidden_html", match={"api": "oauth"})
    assert safaricom.ask_token().status_code == 403
    assert safaricom.ask_token().status_code == 200
    calls = safaricom.get("/truth/calls")["oauth"]
    assert calls["total"] == before + 2


def test_a_payout_refused_at_the_gate_keeps_its_magic_amount(
    safaricom: SafaricomSandbox, posted: Posted
) -> None:
    """The first call that got as far as M-PESA is the first call."""
    ocid = str(uuid.uuid4())
    safaricom.ask_token()
    assert safaricom.pay(ocid=ocid, shillings=502).status_code == 401
    safaricom.token()
    assert safaricom.pay(ocid=ocid, shillings=502).status_code == 200
    assert posted.wait("result")[0]["Result"]["ResultCode"] == 2040


def test_a_killed_safaricom_remembers_everything(tmp_path: Path, posted: Posted) -> None:
    """Ids, payments, its key, its faults and what it still had to post survive SIGKILL."""
    with sandbox.safaricom(tmp_path, posted.url) as safaricom:
        ocid = str(uuid.uuid4())
        safaricom.fault("callback_late", after_s=1)
        safaricom.pay(ocid=ocid)
        safaricom.fault("spike_arrest", match={"amount": 990})
        certificate = requests.get(f"{safaricom.url}/certificate.pem", timeout=5).content
        safaricom.kill()
        safaricom.start()
        assert certificate == requests.get(f"{safaricom.url}/certificate.pem", timeout=5).content
        assert certificate == (tmp_path / "safaricom.pem").read_bytes()
        assert safaricom.pay(ocid=ocid).json()["errorCode"] == "500.002.1001"
        assert safaricom.paid(ocid) == 1
        assert safaricom.pay(shillings=990).json()["errorCode"] == "500.003.02"
        assert posted.wait("result")[0]["Result"]["OriginatorConversationID"] == ocid


def test_a_stopped_safaricom_stops_at_once(tmp_path: Path, posted: Posted) -> None:
    """Also while a call hangs; its private key is for its owner only."""
    with sandbox.safaricom(tmp_path, posted.url) as safaricom:
        safaricom.fault("hang_then_pay")
        with pytest.raises(requests.ReadTimeout):
            safaricom.pay(timeout=0.2)
        assert (tmp_path / "safaricom.key").stat().st_mode & 0o077 == 0
        began = time.monotonic()
        assert safaricom.stop() == 0
        assert time.monotonic() - began < STOP_S_MAX


@pytest.mark.parametrize("program", ["safaricom", "africastalking"])
def test_production_is_refused(tmp_path: Path, program: str) -> None:
    """With a sentence, before anything is written or listened on."""
    ended = subprocess.run(
        [
            sys.executable, "-m", f"app.sandbox.{program}",
            "--port", "0", "--state", str(tmp_path / "state"),
        ],
        env={"PATH": os.environ["PATH"], "BARAZA_ENV": "production"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "The sandbox does not run with BARAZA_ENV=production.\n"
    assert not (tmp_path / "state").exists()


def test_both_are_small(safaricom: SafaricomSandbox, gateway: SandboxProcess) -> None:
    safaricom.pay()
    sizes = []
    for process in (safaricom, gateway):
        assert process._process is not None
        status = Path(f"/proc/{process._process.pid}/smaps_rollup").read_text("ascii")
        (line,) = (line for line in status.splitlines() if line.startswith("Pss:"))
        sizes.append(int(line.split()[1]))
    assert max(sizes) < MEMORY_KB_MAX, sizes


def test_both_listen_on_loopback_only(gateway: SandboxProcess, safaricom: SafaricomSandbox) -> None:
    for process in (safaricom, gateway):
        assert process._process is not None
        listening = {
            line.laddr.ip
            for line in psutil.Process(process._process.pid).net_connections("tcp")
            if line.status == psutil.CONN_LISTEN
        }
        assert listening == {"127.0.0.1"}


def test_what_it_does_not_know_it_says(safaricom: SafaricomSandbox) -> None:
    answer = requests.get(f"{safaricom.url}/mpesa/b2c/v1/paymentrequest", timeout=5)
    assert answer.status_code == 404
    unheard = requests.get(f"{safaricom.url}/truth/requests/{uuid.uuid4()}", timeout=5)
    assert unheard.status_code == 404
    too_long = requests.post(f"{safaricom.url}/faults", data=b"x" * 70_000, timeout=5)
    assert too_long.status_code == 413
    assert wait_for(lambda: safaricom.get("/health"))["ok"] is True
