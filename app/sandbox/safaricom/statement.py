"""The statement of the account that payouts are made from, as the portal exports it."""

import csv
import io
import time
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from app.sandbox.safaricom.book import Book
from app.sandbox.safaricom.results import EAT
from app.sandbox.web import Reply, Request, Route, as_json, refuse

COLUMNS = (
    "Receipt No.",
    "Completion Time",
    "Initiation Time",
    "Details",
    "Transaction Status",
    "Paid In",
    "Withdrawn",
    "Balance",
    "Balance Confirmed",
    "Reason Type",
    "Other Party Info",
    "Linked Transaction ID",
    "A/C No.",
)


class Portal:
    """What an organisation's staff, and Safaricom's, do by hand."""

    def __init__(self, *, book: Book, shortcode: str) -> None:
        self._book = book
        self._shortcode = shortcode

    def routes(self) -> list[Route]:
        """The statement of some days, and a reversal."""
        return [
            Route("GET", "/portal/statement.csv", self._statement),
            Route("POST", "/portal/take-back/{ocid}", self._take_back),
        ]

    def _statement(self, request: Request) -> Reply:
        """`?from=2026-11-23&to=2026-11-24`: from midnight to midnight in Nairobi; to: until now."""
        today = datetime.now(EAT).date().isoformat()
        try:
            begins = _midnight(request.query.get("from", today))
            until = request.query.get("to")
            ends = _midnight(until) if until else datetime.now(EAT) + timedelta(seconds=1)
        except ValueError:
            return refuse("'from' and 'to' are days, such as 2026-11-23")
        text = self._written(begins, ends)
        return Reply(200, text.encode(), "text/csv; charset=utf-8")

    def _written(self, begins: datetime, ends: datetime) -> str:
        moved = self._book.movements(begins=begins.timestamp(), ends=ends.timestamp())
        opening = self._book.balance_at(begins.timestamp())
        closing = moved[-1]["balance"] if moved else opening
        file = io.StringIO()
        out = csv.writer(file)
        out.writerows(
            [
                ("Account Holder:", "SANDBOX SACCO"),
                ("Short Code:", self._shortcode),
                ("Account:", "Utility Account"),
                ("Time Period:", f"From {_text(begins)} to {_text(ends)}"),
                ("Opening Balance:", _amount(opening)),
                ("Closing Balance:", _amount(closing)),
                COLUMNS,
            ]
        )
        for one in reversed(moved):
            at = _text(datetime.fromtimestamp(one["at"], UTC))
            paid_in = _amount(one["cents"]) if one["cents"] > 0 else ""
            withdrawn = _amount(one["cents"]) if one["cents"] < 0 else ""
            kind = "Business Payment" if one["cents"] < 0 and one["party"] else "Other"
            out.writerow(
                (
                    one["receipt"], at, at, one["details"], "Completed", paid_in, withdrawn,
                    _amount(one["balance"]), "true", kind, one["party"], one["undoes"], "",
                )
            )  # fmt: skip
        return file.getvalue()

    def _take_back(self, _: Request, ocid: str) -> Reply:
        if not self._book.take_back(ocid):
            return refuse("M-PESA never paid this", HTTPStatus.NOT_FOUND)
        return as_json({"ok": True, "at": time.time()})


def _midnight(day: str) -> datetime:
    return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=EAT)


def _text(at: datetime) -> str:
    return f"{at.astimezone(EAT):%d-%m-%Y %H:%M:%S}"


def _amount(cents: int) -> str:
    return f"{cents / 100:,.2f}"
