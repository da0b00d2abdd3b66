"""M-PESA's faults and magic amounts in words: what happens, and what must be seen then."""

from collections.abc import Iterator
from typing import Any

from app.sandbox.faults import Card, Magic
from app.sandbox.safaricom.behaviours import BEHAVIOURS

RESULT, CALL, NO = "The result", "The call", "M-PESA says no"
STATUS, FORM, ODD = "The status query", "How a result is written", "Odd answers to the call"
_ONCE = "Paid once, however often it was asked for."
_ASKED = f"The money waits; Baraza asks until M-PESA says what became of it. {_ONCE}"
_UNPAID = (
    "Not paid. Sent again under the same id, or asked about and left to a person; never twice."
)
_GOES_ON = "Sent again under the same id a little later, then paid once."


def _cards() -> Iterator[Card]:
    def card(
        do: str, group: str, title: str, happens: str, must_be_seen: str, *,
        name: str = "", api: str = "b2c", featured: bool = False, **params: Any,
    ) -> Card:  # fmt: skip
        return Card(
            name=name or do, group=group, title=title, happens=happens, must_be_seen=must_be_seen,
            featured=featured,
            example={"match": {"api": api}, "do": do, "times": params.pop("times", 1), **params},
        )  # fmt: skip

    yield card(
        "callback_never",
        RESULT,
        "Lose the result",
        "M-PESA pays, and its result never reaches Baraza.",
        _ASKED,
        featured=True,
    )
    yield card(
        "callback_twice",
        RESULT,
        "Send the result twice",
        "The same result comes twice at once.",
        "One transition and one SMS; the second copy is counted and changes nothing.",
        featured=True,
    )
    yield card(
        "callback_late",
        RESULT,
        "Delay the result",
        "The result comes 45 seconds late.",
        "In doubt, then asked about and paid; the late result changes nothing.",
        after_s=45,
        featured=True,
    )
    yield card(
        "callback_before_ack",
        RESULT,
        "Result before the answer",
        "The result comes while Baraza still waits for the answer to its call.",
        "Filed, then applied. Paid once.",
    )
    yield card(
        "timeout_notice_then_success",
        RESULT,
        "Time-out notice, then success",
        "M-PESA says that the request timed out in its queue, and pays all the same.",
        "A time-out is no refusal: the money waits until the result is there. Paid once.",
    )
    yield card(
        "timeout_notice_then_nothing",
        RESULT,
        "Only a time-out notice",
        "M-PESA says that the request timed out in its queue, and pays all the same.",
        _ASKED,
    )
    yield card(
        "timeout_envelope_then_success",
        RESULT,
        "Notice that looks like a result",
        "The time-out notice has the form of a failed result.",
        "It is no refusal. Paid once.",
    )
    yield card(
        "failure_then_success",
        RESULT,
        "Contradict itself: no, then yes",
        "M-PESA pays, but posts a failure first and the success two seconds later.",
        "No money goes back on the failure alone: Baraza asks. The contradiction is kept.",
        featured=True,
    )
    yield card(
        "success_then_failure",
        RESULT,
        "Contradict itself: yes, then no",
        "M-PESA pays and says so, then posts a failure.",
        "The payout stays paid; nothing is given back; the contradiction is kept.",
    )

    yield card(
        "hang_then_pay",
        CALL,
        "No answer, but paid",
        "M-PESA takes the request and pays; no answer and no result ever come.",
        _ASKED,
        featured=True,
    )
    yield card(
        "hang_and_drop",
        CALL,
        "No answer, not paid",
        "M-PESA never got the request, and nobody says so.",
        _UNPAID,
        featured=True,
    )
    yield card(
        "hang_then_pay_with_callback",
        CALL,
        "No answer, but a result",
        "The call is never answered; the result comes.",
        "In doubt, then paid once.",
    )
    yield card(
        "ack_late",
        CALL,
        "Slow answer",
        "M-PESA takes 30 seconds to answer the call.",
        "Baraza gives up waiting, asks, and pays once.",
        hang_s=30,
    )
    yield card(
        "reset_after_processing",
        CALL,
        "Connection breaks, paid",
        "The connection is reset after M-PESA took the request.",
        _ASKED,
    )
    yield card(
        "reset_before_processing",
        CALL,
        "Connection breaks, not paid",
        "The connection is reset before M-PESA took the request.",
        _UNPAID,
    )
    yield card(
        "half_an_answer",
        CALL,
        "Half an answer",
        "The connection breaks in the middle of the answer.",
        _ASKED,
    )
    yield card(
        "dripping_answer", CALL, "Answer in drips", "The answer comes one byte a second.", _ASKED
    )
    yield card(
        "internal_error_but_taken",
        CALL,
        "HTTP 500, but paid",
        "M-PESA answers with an internal error and pays all the same.",
        _ASKED,
        featured=True,
    )
    yield card(
        "internal_error_not_taken",
        CALL,
        "HTTP 500, not paid",
        "M-PESA answers with an internal error.",
        _UNPAID,
    )
    yield card(
        "spike_arrest_429",
        CALL,
        "Too many requests",
        "M-PESA turns the call away at its gate: HTTP 429.",
        _GOES_ON,
    )
    yield card(
        "unavailable_html",
        CALL,
        "Service unavailable",
        "A page of HTML with HTTP 503 instead of an answer.",
        _UNPAID,
    )
    yield card(
        "token_expired",
        CALL,
        "Token expires in mid-flow",
        "The access token is refused from now on.",
        "One new token for all workers, then paid once.",
    )

    for code, title, happens, seen in (
        (2040, "Not registered for M-PESA", "The receiver cannot be paid.",
         "Asked about at once, then reversed. The SMS says why."),
        (8, "Receiver's account is full", "The receiver's M-PESA account may hold no more.",
         "Reversed. The SMS says that the M-PESA account is full."),
        (1, "Our float is too low", "The SACCO's account at M-PESA has too little money.",
         "Reversed. The SMS blames nobody but us."),
        (4, "Receiver's daily limit", "The receiver has had enough for today.",
         "Reversed. The SMS names the limit."),
        (17, "Internal failure at M-PESA", "M-PESA reports a failure of its own.",
         "Not taken for a refusal: Baraza asks what became of it."),
        (999, "A code that nobody knows", "M-PESA reports a code that is in no list.",
         "Not taken for a refusal: Baraza asks what became of it."),
    ):  # fmt: skip
        yield card(
            "result_code",
            NO,
            title,
            happens,
            seen,
            name=f"result_code_{code}",
            code=code,
            featured=code in {2040, 8},
        )
    yield card(
        "bad_request",
        NO,
        "Refused at once",
        "The call itself is refused: HTTP 400.",
        "Reversed without waiting for a result.",
    )
    yield card(
        "open_forever",
        NO,
        "Never finished",
        "M-PESA takes the request and never ends it.",
        "Submitted, then in doubt for as long as it takes. Time moves no money.",
    )
    yield card(
        "open_then_paid",
        NO,
        "Finished after a while",
        "M-PESA takes 30 seconds to pay.",
        "Submitted or in doubt meanwhile, then paid.",
        after_s=30,
    )
    yield card(
        "forget_ocid",
        NO,
        "M-PESA forgets our id",
        "M-PESA pays again when the same request comes once more.",
        "Baraza does not send again after an answer, so there is nothing to forget.",
    )

    yield card(
        "status_not_found",
        STATUS,
        '"Does not exist"',
        "Status queries find nothing, whatever the truth.",
        "Never taken for a no: asked again; if it stays so, a person decides.",
        api="status",
        times=None,
        featured=True,
    )
    yield card(
        "status_not_found_then_completed",
        STATUS,
        "Found at the second try",
        "The first status query finds nothing, the next one tells the truth.",
        "Asked again, then paid.",
        api="status",
        count=1,
    )
    yield card(
        "status_about_query",
        STATUS,
        "The query itself fails",
        "M-PESA refuses the question.",
        "Says nothing about the payout: asked again.",
        api="status",
    )
    yield card(
        "status_says",
        STATUS,
        '"Declined", though paid',
        "A status query says that the payout was declined, whatever the truth.",
        "If the payout was paid, two truths meet: frozen for a person, or loss on record.",
        api="status",
        name="status_declined",
        status="Declined",
    )

    for do, title, happens, seen in (
        ("wrong_amount", "Wrong amount", "The result speaks of another amount.",
         "Frozen: a person decides. No money moves."),
        ("wrong_phone", "Wrong phone", "The result speaks of another receiver.",
         "Frozen: a person decides. No money moves."),
        ("other_name", "Another name", "The right number is somebody else's by now.",
         "Paid: the number binds. An alert asks people to look at the member's number."),
        ("other_conversation_id", "Another payout's id", "The result carries a foreign id.",
         "Not believed; asked about instead."),
    ):  # fmt: skip
        yield card(do, FORM, title, happens, seen, featured=do == "wrong_amount")


def cards() -> list[Card]:
    """Every behaviour, the rarer ones described from their own row of the table."""
    made = list(_cards())
    told = {"succeed", *(str(card.example["do"]) for card in made)}
    for row in BEHAVIOURS.values():
        if row.name in told:
            continue
        of_result = bool(row.changes)
        made.append(
            Card(
                name=row.name,
                group=FORM if of_result else ODD,
                title=row.name.replace("_", " ").capitalize(),
                happens=f"{row.meaning[0].upper()}{row.meaning[1:]}.",
                must_be_seen="Read all the same, or asked about. " + _ONCE
                if of_result
                else _ASKED
                if row.taken
                else _UNPAID,
                example={"match": {"api": "b2c"}, "do": row.name, "times": 1},
            )
        )
    return made


MAGIC = (
    Magic(ending="01", title="no answer, paid", happens="No answer and no result; M-PESA pays.",
          must_be_seen=_ASKED),
    Magic(ending="02", title="refused", happens="Not registered for M-PESA.",
          must_be_seen="Reversed; the SMS says why."),
    Magic(ending="03", title="result lost", happens="M-PESA pays; its result is lost.",
          must_be_seen=_ASKED),
    Magic(ending="04", title="result twice", happens="The result comes twice at once.",
          must_be_seen="Paid once, one SMS."),
    Magic(ending="05", title="result late", happens="The result comes after ten minutes.",
          must_be_seen="Asked about and paid long before."),
    Magic(ending="06", title="no, then yes", happens="A failure is posted, then the success.",
          must_be_seen="Nothing goes back on the failure alone."),
    Magic(ending="07", title="wrong amount", happens="The result speaks of another amount.",
          must_be_seen="Frozen: a person decides."),
    Magic(ending="08", title="HTTP 500", happens="An error, and the request is not taken.",
          must_be_seen="Sent again under the same id, then paid once."),
    Magic(ending="10", title="not registered", happens="Not registered for M-PESA.",
          must_be_seen="Reversed; the SMS says why."),
)  # fmt: skip
"""In the order of their endings. 09 is the gateway's."""
