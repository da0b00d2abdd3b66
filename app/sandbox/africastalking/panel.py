"""The gateway's faults and its magic amount in words."""

from typing import Any

from app.sandbox.africastalking.behaviours import BEHAVIOURS
from app.sandbox.faults import Card, Magic

GROUP = "SMS"
_MONEY = "Money and state are untouched."
_AGAIN = f"Tried again later. {_MONEY}"
_PERHAPS_TWICE = f"Nobody can know, so it may come twice; money cannot. {_MONEY}"


def _card(do: str, title: str, happens: str, must_be_seen: str, **more: Any) -> Card:
    name, featured = more.pop("name", do), more.pop("featured", False)
    return Card(
        name=name, group=GROUP, title=title, happens=happens, must_be_seen=must_be_seen,
        featured=featured, example={"match": {"api": "sms"}, "do": do, "times": 1, **more},
    )  # fmt: skip


_TOLD = (
    _card("report_failed", "Not delivered", "The network reports that the SMS was not delivered.",
          f"The SMS is shown as failed. {_MONEY}", featured=True),
    _card("report_never", "No delivery report", "Delivered, but nobody says so.", _MONEY),
    _card("status_code", "Blacklisted number", "The receiver has blocked SMS (code 406).",
          f"Not tried again; the number is put aside for SMS. {_MONEY}",
          name="blacklisted", code=406, featured=True),
    _card("status_code", "Out of credit", "Our account at the gateway has no credit (code 405).",
          _AGAIN, name="out_of_credit", code=405, featured=True),
    _card("empty_recipients", "Sender id refused", "HTTP 201 that names no recipient.", _AGAIN),
    _card("key_refused", "API key refused", "HTTP 401.", _AGAIN),
    _card("too_many_requests", "Too many requests", "HTTP 429.", _AGAIN),
    _card("html_500_not_taken", "HTTP 500, not taken", "An error page; the SMS was not taken.",
          _AGAIN),
    _card("html_500_but_taken", "HTTP 500, but taken", "An error page; the SMS is delivered.",
          _PERHAPS_TWICE),
    _card("hang_after_accepting", "No answer, but delivered", "The gateway never answers.",
          _PERHAPS_TWICE, hang_s=15),
)  # fmt: skip


def cards() -> list[Card]:
    """Every behaviour, the rarer ones described from their own row of the table."""
    told = {"succeed", *(str(card.example["do"]) for card in _TOLD)}
    return [
        *_TOLD,
        *(
            _card(row.name, row.name.replace("_", " ").capitalize(),
                  f"{row.meaning[0].upper()}{row.meaning[1:]}.", _MONEY)
            for row in BEHAVIOURS.values()
            if row.name not in told
        ),
    ]  # fmt: skip


MAGIC = (
    Magic(ending="09", title="SMS fails", happens="Paid, but its SMS is never delivered.",
          must_be_seen="Paid; the SMS is shown as failed."),
)  # fmt: skip
