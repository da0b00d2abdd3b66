"""What can happen to a call, as a table.

A behaviour says three independent things: whether M-PESA takes the request, what the caller hears
at once, and what is posted to the caller later. A fault may change parts of it:

    taken           bool: whether M-PESA takes the request
    code            result code of the payout or the query, a number or a text
    status          the TransactionStatus a status query tells; "not_found" is result 2032
    after_s         seconds until the last post (or, for open_then_paid, until the payment)
    hang_s          seconds of silence
    changes         list of names of `results.CHANGES`, done to what is posted
    count           for status_not_found_then_completed: how many queries find nothing
    error_code, error_message, http_status     of the error that is said at once
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from app.sandbox.faults import Choice
from app.sandbox.safaricom.answers import ODD_ANSWERS
from app.sandbox.web import How, Reply

HANG_SECONDS = 60
LATE_SECONDS = 600
GAP_SECONDS = 2.0
NEVER = 1e9
NOT_FOUND = "not_found"
COMPLETED = "Completed"


class Kind(StrEnum):
    """What is posted."""

    RESULT = "result"
    """The truth."""
    FALSE_FAILURE = "false_failure"
    """A failure, whatever the truth."""
    TIMEOUT_ECHO = "timeout_echo"
    """The request itself, sent back to QueueTimeOutURL."""
    TIMEOUT_ENVELOPE = "timeout_envelope"
    """To QueueTimeOutURL, in the form of a result."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One post that will be made."""

    kind: Kind = Kind.RESULT
    after_s: float = 0
    """Beyond the ordinary delay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One row of the table."""

    name: str
    meaning: str
    taken: bool = True
    said: Reply | None = None
    """Instead of the acknowledgement."""
    how: How = How.WHOLE
    hang_s: float = HANG_SECONDS
    kills_token: bool = False
    forgets_ocid: bool = False
    before_ack: bool = False
    """The posts are made before the acknowledgement."""
    posts: tuple[Planned, ...] = (Planned(),)
    changes: tuple[str, ...] = ()
    code: int | str | None = None
    """Result code; None: what M-PESA's own rules say."""
    status: str | None = None
    """TransactionStatus; None: the truth."""
    finishes_after_s: float = 0
    not_found_count: int = 0
    """How many status queries of a payout find nothing before the truth is told."""


_NOT_REGISTERED = 2040
_EXACT = {"code", "taken", "status", "hang_s"}
PARAMS = frozenset(
    {*_EXACT, "after_s", "changes", "count", "error_code", "error_message", "http_status"}
)
FACTS = frozenset({"api", "ocid", "msisdn", "amount"})
"""What a call can be matched by. `api` is oauth, b2c, status or balance."""


def _rows() -> Iterable[Behaviour]:
    def row(name: str, meaning: str, **rest: Any) -> Behaviour:
        return Behaviour(name=name, meaning=meaning, **rest)

    late = (Planned(after_s=LATE_SECONDS),)
    twice = (Planned(), Planned())
    timeout_first = Planned(Kind.TIMEOUT_ECHO)
    afterwards = Planned(after_s=GAP_SECONDS)

    yield row("succeed", "what Safaricom normally does")

    # How the call itself ends.
    yield row("hang_then_pay", "taken; no answer, no callback", how=How.HANG, posts=())
    yield row("hang_then_pay_with_callback", "taken; no answer, but a callback", how=How.HANG)
    yield row("hang_and_drop", "not taken; no answer", how=How.HANG, taken=False)
    yield row("ack_late", "taken; the answer comes after hang_s", how=How.LATE)
    yield row("reset_after_processing", "taken; the connection is reset", how=How.RESET)
    yield row("reset_before_processing", "not taken; reset", how=How.RESET, taken=False)
    yield row("half_an_answer", "taken; reset in the middle of the answer", how=How.CUT)
    yield row("dripping_answer", "taken; the answer comes byte by byte", how=How.DRIP)
    yield row("internal_error_not_taken", "HTTP 500", said=ODD_ANSWERS["internal_error"],
              taken=False)  # fmt: skip
    yield row("internal_error_but_taken", "HTTP 500 all the same",
              said=ODD_ANSWERS["internal_error"])  # fmt: skip
    yield row("token_expired", "the access token is refused from now on", taken=False,
              kills_token=True)  # fmt: skip
    for name, said in ODD_ANSWERS.items():
        # A 200 that is no acknowledgement hides a request that was taken; errors turn it away.
        yield row(name, f"answers HTTP {said.status} {said.content_type}", said=said,
                  taken=name in {"html_200", "empty_200"})  # fmt: skip

    # What is posted, and when.
    yield row("callback_never", "the result is lost", posts=())
    yield row("callback_twice", "the same result twice at once", posts=twice)
    yield row("callback_late", "the result comes after ten minutes", posts=late)
    yield row("callback_before_ack", "the result comes before the answer", before_ack=True)
    yield row("timeout_notice_then_success", "first a timeout notice, then the result",
              posts=(timeout_first, afterwards))  # fmt: skip
    yield row("timeout_notice_then_nothing", "only a timeout notice", posts=(timeout_first,))
    yield row("timeout_envelope_then_success", "the notice has the form of a result",
              posts=(Planned(Kind.TIMEOUT_ENVELOPE), afterwards))  # fmt: skip
    yield row("failure_then_success", "paid; a failure is posted first",
              posts=(Planned(Kind.FALSE_FAILURE), afterwards))  # fmt: skip
    yield row("success_then_failure", "paid; a failure is posted afterwards",
              posts=(Planned(), Planned(Kind.FALSE_FAILURE, GAP_SECONDS)))  # fmt: skip

    # What M-PESA decides about a payout.
    yield row("result_code", "the payout fails with `code`", code=_NOT_REGISTERED)
    yield row("open_forever", "never finished", finishes_after_s=NEVER, posts=())
    yield row("open_then_paid", "finished after a minute", finishes_after_s=HANG_SECONDS)
    yield row("forget_ocid", "pays again under an id that was used", forgets_ocid=True)

    # How a result is written.
    for name in (
        "wrong_amount", "wrong_phone", "other_name", "masked_phone", "parameters_as_object",
        "parameters_missing", "parameters_shuffled", "value_missing", "code_as_text",
        "unknown_ocid", "other_conversation_id", "more_to_come", "old_spelling",
    ):  # fmt: skip
        yield row(name, f"the result has {name.replace('_', ' ')}", changes=(name,))

    # What a status query is told.
    yield row("status_not_found", "2032, whatever the truth", status=NOT_FOUND)
    yield row("status_not_found_then_completed", "2032 for `count` queries, then the truth",
              not_found_count=1)  # fmt: skip
    yield row("status_about_query", "the query itself fails with `code`", code=25)
    yield row("status_says", "tells `status`, whatever the truth", status="Declined")


BEHAVIOURS: dict[str, Behaviour] = {row.name: row for row in _rows()}

BY_LAST_DIGITS: dict[int, Choice] = {
    1: Choice("hang_then_pay"),
    2: Choice("result_code", {"code": 2040}),
    3: Choice("callback_never"),
    4: Choice("callback_twice"),
    5: Choice("callback_late"),
    6: Choice("failure_then_success"),
    7: Choice("wrong_amount"),
    8: Choice("internal_error_not_taken"),
    10: Choice("result_code", {"code": 2040}),
}
"""By the last two digits of a payout's shillings, for people without a panel of faults.

They apply to the first call under an id only, so a payout that is sent again can go through.
Amounts ending in 09 are paid; Africa's Talking fails to deliver their messages.
"""


def by_amount(shillings: int) -> Choice:
    """The behaviour that an amount asks for."""
    return BY_LAST_DIGITS.get(shillings % 100, Choice("succeed"))


def resolve(choice: Choice, *, speed: float) -> Behaviour:
    """The chosen behaviour with its changes. Built-in delays are divided by speed."""
    row = BEHAVIOURS[choice.name]
    given = choice.params
    scaled = tuple(replace(post, after_s=post.after_s / speed) for post in row.posts)
    finishes = row.finishes_after_s / speed
    if "after_s" in given:
        after = float(given["after_s"])
        if finishes:
            finishes = after
        else:
            scaled = (*scaled[:-1], *(replace(post, after_s=after) for post in scaled[-1:]))
    changed = {name: given[name] for name in _EXACT & given.keys()}
    return replace(
        row,
        posts=scaled,
        finishes_after_s=finishes,
        changes=(*row.changes, *given.get("changes", ())),
        not_found_count=given.get("count", row.not_found_count),
        said=_said(row.said, given),
        **changed,
    )


def _said(said: Reply | None, given: Mapping[str, Any]) -> Reply | None:
    """The error with another code, text or HTTP status."""
    if said is None:
        return None
    said = replace(said, status=given.get("http_status", said.status))
    changed = {
        name: given[key]
        for key, name in (("error_code", "errorCode"), ("error_message", "errorMessage"))
        if key in given
    }
    if not changed:
        return said
    return replace(said, body=json.dumps({**json.loads(said.body), **changed}).encode())
