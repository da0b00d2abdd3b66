"""What can happen to a message, as a table.

A fault may change parts of a behaviour:

    code        a recipient's statusCode (status_code)
    reason      the failureReason of a failed message, or the Message of empty_recipients
    hang_s      seconds of silence
    after_s     seconds until the last delivery report
    taken       bool: whether the gateway takes the message
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from app.sandbox.faults import Choice
from app.sandbox.web import HTML, TEXT, How, Reply

HANG_SECONDS = 60
GAP_SECONDS = 1.0
ACCEPTED = range(100, 103)
REJECTED_BY_GATEWAY = 502
SENT = 101
STATUS_NAMES = {
    100: "Processed",
    101: "Sent",
    102: "Queued",
    401: "RiskHold",
    402: "InvalidSenderId",
    403: "InvalidPhoneNumber",
    404: "UnsupportedNumberType",
    405: "InsufficientBalance",
    406: "UserInBlacklist",
    407: "CouldNotRoute",
    409: "DoNotDisturbRejection",
    500: "InternalServerError",
    501: "GatewayError",
    502: "RejectedByGateway",
}
_FIRST_AMOUNT = re.compile(r"KES ([0-9,]+)")
_UNDELIVERED_DIGITS = "09"


@dataclass(frozen=True, slots=True)
class Report:
    """One delivery report."""

    status: str
    after_s: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One row of the table."""

    name: str
    meaning: str
    taken: bool = True
    said: Reply | None = None
    """Instead of the ordinary answer."""
    content_type: str = "application/json"
    how: How = How.WHOLE
    hang_s: float = HANG_SECONDS
    code: int = SENT
    recipients: bool = True
    """False: the answer lists none, and gives the reason in its summary."""
    reason: str = ""
    delivered: bool = True
    reports: tuple[Report, ...] = (Report("Success"),)
    before_answer: bool = False
    """The reports are made before the answer."""


_EXACT = {"taken", "hang_s", "code", "reason"}
PARAMS = frozenset({*_EXACT, "after_s"})
FACTS = frozenset({"api", "msisdn", "text"})
"""What a message can be matched by. `api` is always sms."""
_PAGE = b"<html><body><h1>Internal Server Error</h1></body></html>"


def _rows() -> Iterable[Behaviour]:
    def row(name: str, meaning: str, **rest: Any) -> Behaviour:
        return Behaviour(name=name, meaning=meaning, **rest)

    success, failed = Report("Success"), Report("Failed")

    yield row("succeed", "delivered, and reported so")

    # What the answer says.
    yield row("status_code", "the recipient gets statusCode `code`", code=REJECTED_BY_GATEWAY)
    yield row("empty_recipients", "HTTP 201 without recipients", recipients=False, taken=False,
              reason="InvalidSenderId")  # fmt: skip
    yield row("content_type_with_charset", "which the SDK takes for text",
              content_type="application/json; charset=utf-8")  # fmt: skip
    yield row("key_refused", "HTTP 401", taken=False,
              said=Reply(401, b"The supplied authentication is invalid", TEXT))  # fmt: skip
    yield row("too_many_requests", "HTTP 429", taken=False,
              said=Reply(429, b"Too many requests", TEXT))  # fmt: skip
    yield row("html_500_not_taken", "HTTP 500", taken=False, said=Reply(500, _PAGE, HTML))
    yield row("html_500_but_taken", "HTTP 500 all the same", said=Reply(500, _PAGE, HTML))
    yield row("not_json", "a 201 that is not JSON", said=Reply(201, b"Sent"))

    # How the call ends.
    yield row("hang_after_accepting", "taken; no answer", how=How.HANG)
    yield row("hang_and_drop", "not taken; no answer", how=How.HANG, taken=False)
    yield row("reset_after_accepting", "taken; the connection is reset", how=How.RESET)
    yield row("reset_before_accepting", "not taken; reset", how=How.RESET, taken=False)
    yield row("half_an_answer", "taken; reset in the middle of the answer", how=How.CUT)
    yield row("dripping_answer", "taken; the answer comes byte by byte", how=How.DRIP)
    yield row("answer_late", "taken; the answer comes after hang_s", how=How.LATE)

    # What is reported.
    yield row("report_never", "delivered, but no report", reports=())
    yield row("report_failed", "not delivered", reports=(failed,), delivered=False,
              reason="DeliveryFailure")  # fmt: skip
    yield row("report_before_answer", "the report is first", before_answer=True)
    yield row("report_twice", "the same report twice at once", reports=(success, success))
    yield row("reports_reordered", "Success, and only then Sent",
              reports=(success, Report("Sent", GAP_SECONDS)))  # fmt: skip
    yield row("report_unknown_status", "a status that is in no list",
              reports=(Report("LostInTheMail"),))  # fmt: skip
    yield row("report_absent_then_success", "phone off, then on",
              reports=(Report("AbsentSubscriber"), Report("Success", GAP_SECONDS)))  # fmt: skip


BEHAVIOURS: dict[str, Behaviour] = {row.name: row for row in _rows()}


def by_text(text: str) -> Choice:
    """Messages whose first amount ends in 09 are never delivered; all others are."""
    found = _FIRST_AMOUNT.search(text)
    undelivered = found is not None and found[1].endswith(_UNDELIVERED_DIGITS)
    return Choice("report_failed" if undelivered else "succeed")


def resolve(choice: Choice, *, speed: float) -> Behaviour:
    """The chosen behaviour with its changes. Built-in delays are divided by speed."""
    row = BEHAVIOURS[choice.name]
    given = choice.params
    reports = tuple(replace(report, after_s=report.after_s / speed) for report in row.reports)
    if "after_s" in given:
        last = (replace(report, after_s=float(given["after_s"])) for report in reports[-1:])
        reports = (*reports[:-1], *last)
    changed = {name: given[name] for name in _EXACT & given.keys()}
    return replace(row, reports=reports, **changed)
