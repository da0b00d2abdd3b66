"""M-PESA and the SMS gateway, as light as they can be made, so that they are not what is measured.

`app.sandbox` is the stand-in that behaves and misbehaves as the real ones do. This one does only
what a payout needs, the same for whoever is measured: it takes a payment, calls the given address
back with its result, and takes an SMS. It counts what it paid, by the id that the caller gave.

    python -m tests.bench.simulator --port 9000 --delay-ms 300
"""

import argparse
import asyncio
import json
import secrets
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

CALLBACKS_AT_ONCE = 64
"""Connections on which results are told."""
CALLBACK_TRIES = 5
CALLBACK_PAUSE_S = 0.2
ANSWER_S_MAX = 30
TOKEN_SECONDS = 3599
HEAD_END = b"\r\n\r\n"
PAY, STATUS = "/mpesa/b2c/v3/paymentrequest", "/mpesa/transactionstatus/v1/query"
SMS, TOKEN = "/version1/messaging", "/oauth/v1/generate"


@dataclass(slots=True)
class World:
    """What was paid and told."""

    delay_s: float
    """From a payment's acceptance to its result."""
    paid: Counter[str] = field(default_factory=Counter)
    """How often each id was paid: a second request with an id is refused, as M-PESA does."""
    refused_twice: int = 0
    asked_at: dict[str, float] = field(default_factory=dict)
    """When the first request for an id had arrived, by this machine's monotonic clock."""
    sms: int = 0
    callbacks_failed: int = 0
    requests: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """What was asked for, by id."""

    def truth(self) -> dict[str, Any]:
        """The counters."""
        return {
            "paid": len(self.paid),
            "twice": sum(1 for times in self.paid.values() if times > 1),
            "refused_twice": self.refused_twice,
            "sms": self.sms,
            "callbacks_failed": self.callbacks_failed,
        }


def result_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """A payout's result, with what M-PESA tells of it."""
    ocid = str(request["OriginatorConversationID"])
    told = {
        "TransactionAmount": float(request["Amount"]),
        "TransactionReceipt": receipt_of(ocid),
        "ReceiverPartyPublicName": f"{request['PartyB']} - A MEMBER",
        "TransactionCompletedDateTime": time.strftime("%d.%m.%Y %H:%M:%S"),
    }
    return {
        "Result": {
            "ResultType": 0,
            "ResultCode": 0,
            "ResultDesc": "The service request is processed successfully.",
            "OriginatorConversationID": ocid,
            "ConversationID": conversation_of(ocid),
            "TransactionID": receipt_of(ocid),
            "ResultParameters": {
                "ResultParameter": [{"Key": key, "Value": value} for key, value in told.items()]
            },
        }
    }


def conversation_of(ocid: str) -> str:
    """M-PESA's own id of a request: the same for the same request."""
    return f"AG_20260101_{ocid.replace('-', '')[-20:]}"


def receipt_of(ocid: str) -> str:
    """A receipt, one of its own for each request."""
    return f"S{ocid.replace('-', '').upper()[-9:]}"


class Simulator:
    """Both services on one port."""

    def __init__(self, delay_s: float) -> None:
        self.world = World(delay_s)
        self._callers: dict[tuple[str, int], _Callers] = {}
        self._telling: set[asyncio.Task[None]] = set()

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        """The status and the JSON for one request."""
        path, _, query = target.partition("?")
        match method, path:
            case "POST", p if p == PAY:
                return self._pay(json.loads(body))
            case "POST", p if p.startswith(SMS):
                self.world.sms += 1
                told = {"statusCode": 101, "status": "Success", "messageId": _message_id()}
                return 201, {"SMSMessageData": {"Message": "Sent to 1/1", "Recipients": [told]}}
            case "POST", p if p == STATUS:
                return self._status(json.loads(body))
            case "GET", p if p == TOKEN:
                return 200, {"access_token": secrets.token_hex(14), "expires_in": TOKEN_SECONDS}
            case "GET", "/truth":
                return 200, self.world.truth()
            case "GET", "/asked-at":
                return 200, self.world.asked_at
            case "POST", "/forget":
                given = dict(pair.split("=") for pair in query.split("&") if pair)
                self.world = World(float(given.get("delay_ms", self.world.delay_s * 1000)) / 1000)
                return 200, {}
            case _:
                return 404, {"error": "no such address"}

    def _pay(self, request: Mapping[str, Any]) -> tuple[int, Any]:
        ocid = str(request["OriginatorConversationID"])
        if ocid in self.world.paid:
            self.world.refused_twice += 1
            duplicate = "Duplicate OriginatorConversationID."
            return 500, {"errorCode": "500.002.1001", "errorMessage": duplicate}
        self.world.paid[ocid] += 1
        self.world.asked_at[ocid] = time.monotonic()
        self.world.requests[ocid] = request
        self._tell(str(request["ResultURL"]), result_of(request))
        return 200, _acknowledged(ocid)

    def _status(self, request: Mapping[str, Any]) -> tuple[int, Any]:
        """What became of a payment: for those whose result was lost with whoever waited for it."""
        ocid = str(request["OriginalConversationID"])
        known = self.world.requests.get(ocid)
        found = _status_of(ocid, known)
        self._tell(str(request["ResultURL"]), found)
        return 200, _acknowledged(ocid)

    def _tell(self, url: str, result: Mapping[str, Any]) -> None:
        telling = asyncio.ensure_future(self._deliver(url, json.dumps(result).encode()))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def _deliver(self, url: str, body: bytes) -> None:
        if self.world.delay_s:
            await asyncio.sleep(self.world.delay_s)
        parts = urlsplit(url)
        address = (parts.hostname or "127.0.0.1", parts.port or 80)
        callers = self._callers.setdefault(address, _Callers(*address))
        for _ in range(CALLBACK_TRIES):
            if await callers.post(parts.path, body):
                return
            await asyncio.sleep(CALLBACK_PAUSE_S)
        self.world.callbacks_failed += 1


def _message_id() -> str:
    return f"ATXid_{secrets.token_hex(16)}"


def _acknowledged(ocid: str) -> dict[str, str]:
    return {
        "ConversationID": conversation_of(ocid),
        "OriginatorConversationID": ocid,
        "ResponseCode": "0",
        "ResponseDescription": "Accept the service request successfully.",
    }


def _status_of(ocid: str, request: Mapping[str, Any] | None) -> dict[str, Any]:
    """The answer to a status query, in the words of the real one."""
    told: dict[str, Any] = {"OriginatorConversationID": ocid}
    if request is not None:
        told |= {
            "ConversationID": conversation_of(ocid),
            "ReceiptNo": receipt_of(ocid),
            "TransactionStatus": "Completed",
            "Amount": float(request["Amount"]),
            "CreditPartyName": f"{request['PartyB']} - A MEMBER",
        }
    return {
        "Result": {
            "ResultType": 0,
            "ResultCode": 0 if request is not None else 2032,
            "ResultDesc": "The service request is processed successfully.",
            "OriginatorConversationID": ocid,
            "ConversationID": f"AG_{secrets.token_hex(10)}",
            "TransactionID": "0000000000",
            "ResultParameters": {
                "ResultParameter": [{"Key": key, "Value": value} for key, value in told.items()]
            },
        }
    }


class _Http(asyncio.Protocol):
    """One caller's connection, kept open. Requests are read whole and answered in turn."""

    def __init__(self, answer: Callable[[str, str, bytes], tuple[int, Any]]) -> None:
        self._answer = answer
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while (end := self._unread.find(HEAD_END)) >= 0:
            head = self._unread[:end]
            body_begins = end + len(HEAD_END)
            length = _length(head)
            if len(self._unread) < body_begins + length:
                return
            body = self._unread[body_begins : body_begins + length]
            self._unread = self._unread[body_begins + length :]
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            status, told = self._answer(method, target, body)
            content = json.dumps(told).encode()
            self._transport.write(
                b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                % (status, len(content), content)
            )


def _length(head: bytes) -> int:
    """The Content-Length among these headers; 0 without one."""
    lowered = head.lower()
    at = lowered.find(b"content-length:")
    return 0 if at < 0 else int(lowered[at + 15 :].split(b"\r\n", 1)[0])


class _Callers:
    """Connections to one address, kept open and lent to one call at a time."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._free: deque[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = deque()
        self._places = asyncio.Semaphore(CALLBACKS_AT_ONCE)

    async def post(self, path: str, body: bytes) -> bool:
        """Post once. Whether it was answered with 200."""
        async with self._places:
            try:
                async with asyncio.timeout(ANSWER_S_MAX):
                    return await self._post(path, body)
            except (OSError, EOFError, ValueError, TimeoutError):
                return False

    async def _post(self, path: str, body: bytes) -> bool:
        kept = self._free.popleft() if self._free else None
        reader, writer = kept or await asyncio.open_connection(self._host, self._port)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            writer.write(head.encode() + body)
            answered = await reader.readuntil(HEAD_END)
            await reader.readexactly(_length(answered))
        except (OSError, EOFError, ValueError, TimeoutError):
            writer.close()
            raise
        self._free.append((reader, writer))
        return answered.startswith(b"HTTP/1.1 200")


async def serve(port: int, delay_s: float) -> None:
    """Serve until SIGTERM or SIGINT."""
    simulator = Simulator(delay_s)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Http(simulator.answer), "127.0.0.1", port, backlog=1024
    )
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    async with server:
        await over.wait()


def main() -> None:
    """Run the simulator."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.simulator", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="on 127.0.0.1")
    parser.add_argument("--delay-ms", type=float, default=0, help="until a result is told")
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.delay_ms / 1000))


if __name__ == "__main__":
    main()
