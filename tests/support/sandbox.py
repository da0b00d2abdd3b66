"""The sandbox's two processes, started by a test on free ports and ended by their ids.

They are what they are in development: programs of their own that are reached over HTTP.
"""

import base64
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa

PASSWORD = "for-development-only"
CALL_S_MAX = 10
Found = TypeVar("Found")


def wait_for(look: Callable[[], Found], *, seconds: float = 8) -> Found:
    """The first true thing that `look` returns, or whatever it returned last."""
    deadline = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


@dataclass
class SandboxProcess:
    """One of the two programs. `kill` and `start` again keep its folder and its port."""

    program: str
    api: str
    """What its faults are about, where they do not say."""
    state: Path
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    port: int = 0
    _process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Start it and wait until it answers."""
        process = subprocess.Popen(
            [
                sys.executable, "-m", f"app.sandbox.{self.program}",
                "--port", str(self.port), "--state", str(self.state), *self.arguments,
            ],
            env={"PATH": os.environ["PATH"], **self.environment},
            stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        self._process = process
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:"), line
        self.port = int(line.rpartition(":")[2])
        return self

    def kill(self) -> None:
        """SIGKILL: it gets no chance to tidy up."""
        self._end(subprocess.Popen.kill)

    def stop(self) -> int:
        """SIGTERM. Returns the exit code; 0 if it was not running."""
        return self._end(subprocess.Popen.terminate)

    def get(self, path: str, **query: str) -> Any:
        """What one of its own doors shows."""
        answer = requests.get(self.url + path, params=query, timeout=CALL_S_MAX)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Ask for something at one of its own doors."""
        answer = requests.post(self.url + path, json=body, timeout=CALL_S_MAX)
        answer.raise_for_status()
        return answer.json()

    def fault(
        self, do: str, *, match: dict[str, Any] | None = None, times: int | None = 1, **params: Any
    ) -> None:
        """Let the next matching call go wrong in this way; by default a payout or a message."""
        match = {"api": self.api} if match is None else match
        self.post("/faults", {"match": match, "do": do, "times": times, **params})

    def clear_faults(self) -> None:
        """Back to normal."""
        requests.delete(f"{self.url}/faults", timeout=CALL_S_MAX).raise_for_status()

    def _end(self, how: Callable[[subprocess.Popen[str]], None]) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        how(process)
        code = process.wait(CALL_S_MAX)
        assert process.stdout is not None
        process.stdout.close()
        return code


class SafaricomSandbox(SandboxProcess):
    """Safaricom, with the calls that a customer makes. Each call sends exactly one request."""

    callbacks: str = ""
    """Base of the addresses that results are sent to."""
    _token: str = ""

    def token(self) -> str:
        """A fresh token."""
        answer = self.ask_token()
        answer.raise_for_status()
        self._token = answer.json()["access_token"]
        return self._token

    def ask_token(
        self, *, key: str = PASSWORD, grant: str = "client_credentials"
    ) -> requests.Response:
        """The token call itself."""
        return requests.get(
            f"{self.url}/oauth/v1/generate",
            params={"grant_type": grant},
            auth=(key, PASSWORD),
            timeout=CALL_S_MAX,
        )

    def credential(self, password: str = PASSWORD) -> str:
        """A password, encrypted for this Safaricom."""
        pem = requests.get(f"{self.url}/certificate.pem", timeout=CALL_S_MAX).content
        key = x509.load_pem_x509_certificate(pem).public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        return base64.b64encode(key.encrypt(password.encode(), padding.PKCS1v15())).decode()

    def pay(
        self, *, shillings: int = 1500, ocid: str | None = None, timeout: float = CALL_S_MAX,
        password: str = PASSWORD, **changed: Any,
    ) -> requests.Response:  # fmt: skip
        """A payout request to a member's number."""
        ocid = ocid or str(uuid.uuid4())
        body = {
            "OriginatorConversationID": ocid,
            "InitiatorName": "barazaapi",
            "SecurityCredential": self.credential(password),
            "CommandID": "BusinessPayment",
            "Amount": str(shillings),
            "PartyA": "600999",
            "PartyB": "254712345678",
            "Remarks": "Savings withdrawal",
            "QueueTimeOutURL": f"{self.callbacks}/timeout",
            "ResultURL": f"{self.callbacks}/result",
        }
        return self._call("/mpesa/b2c/v3/paymentrequest", {**body, **changed}, timeout)

    def ask(
        self, ocid: str = "", *, receipt: str = "", password: str = PASSWORD
    ) -> requests.Response:
        """A status query."""
        body = {
            "CommandID": "TransactionStatusQuery",
            "TransactionID": receipt,
            "OriginalConversationID": ocid,
            "Occasion": "",
        }
        return self._query("/mpesa/transactionstatus/v1/query", body, password)

    def ask_balance(self, *, password: str = PASSWORD) -> requests.Response:
        """A balance query."""
        return self._query(
            "/mpesa/accountbalance/v1/query", {"CommandID": "AccountBalance"}, password
        )

    def paid(self, ocid: str) -> int:
        """How often money went out under this id."""
        one = self.get("/truth/paid")["by_ocid"].get(ocid, {"times": 0})
        return int(one["times"])

    def _query(self, path: str, body: dict[str, str], password: str) -> requests.Response:
        common = {
            "Initiator": "barazaapi",
            "SecurityCredential": self.credential(password),
            "PartyA": "600999",
            "IdentifierType": "4",
            "Remarks": "Payout check",
            "QueueTimeOutURL": f"{self.callbacks}/timeout",
            "ResultURL": f"{self.callbacks}/told",
        }
        return self._call(path, {**common, **body}, CALL_S_MAX)

    def _call(self, path: str, body: dict[str, Any], timeout: float) -> requests.Response:
        return requests.post(
            self.url + path,
            json=body,
            headers={"Authorization": f"Bearer {self._token or self.token()}"},
            timeout=timeout,
        )


@contextmanager
def safaricom(state: Path, callbacks: str, *arguments: str) -> Iterator[SafaricomSandbox]:
    """A running Safaricom that sends its results to `callbacks`."""
    process = SafaricomSandbox("safaricom", "b2c", state, ("--delay", "0.05", *arguments))
    process.callbacks = callbacks
    try:
        yield process.start()
    finally:
        process.stop()


@contextmanager
def africastalking(state: Path, baraza: str, *arguments: str) -> Iterator[SandboxProcess]:
    """A running gateway that sends hops to `/ussd` and reports to `/delivery` of `baraza`."""
    process = SandboxProcess(
        "africastalking",
        "sms",
        state,
        (
            "--ussd-url", f"{baraza}/ussd", "--delivery-url", f"{baraza}/delivery",
            "--delay", "0.05", *arguments,
        ),
    )  # fmt: skip
    try:
        yield process.start()
    finally:
        process.stop()
