"""Safaricom's own books: requests taken, money paid, the shortcode's accounts."""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.money import shillings
from app.sandbox.safaricom.behaviours import COMPLETED, Behaviour
from app.sandbox.safaricom.results import EAT
from app.sandbox.store import Store

MINIMUM = shillings(10)
MAXIMUM = shillings(250_000)
WALLET_MAXIMUM = shillings(500_000)
FEES = (
    (shillings(100), 0),
    (shillings(1_500), shillings(5)),
    (shillings(5_000), shillings(9)),
    (shillings(20_000), shillings(11)),
    (MAXIMUM, shillings(13)),
)
"""Safaricom's B2C tariff of August 2023: up to this amount, this fee, both in cents."""
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_DAYS = "123456789ABCDEFGHIJKLMNOPQRSTUV"
UTILITY, CHARGES = "utility", "charges"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A payout request that can be read."""

    ocid: str
    msisdn: str
    cents: int
    initiator: str
    credential: str
    party_a: str
    result_url: str
    timeout_url: str
    body: Mapping[str, Any]


def conversation_id() -> str:
    """M-PESA's own id of a request."""
    today = datetime.now(EAT)
    return f"AG_{today:%Y%m%d}_{''.join(secrets.choice(_LETTERS.lower()) for _ in range(20))}"


def receipt() -> str:
    """Ten letters and digits that begin with the date, as M-PESA's receipts do."""
    today = datetime.now(EAT)
    head = (
        chr(ord("S") + today.year - 2024) + chr(ord("A") + today.month - 1) + _DAYS[today.day - 1]
    )
    return head + "".join(secrets.choice(_LETTERS) for _ in range(7))


def fee_for(cents: int) -> int:
    """What the organisation is charged for a payment, in cents."""
    return next((fee for limit, fee in FEES if cents <= limit), FEES[-1][1])


class Book:
    """What was taken and what was paid."""

    def __init__(
        self, store: Store, *, float_cents: int, shortcode: str, refused_status: str
    ) -> None:
        self._store = store
        self._shortcode = shortcode
        self._refused_status = refused_status
        for name, cents in ((UTILITY, float_cents), (CHARGES, 0)):
            store.run("INSERT INTO account VALUES (?, ?) ON CONFLICT DO NOTHING", name, cents)

    def take(
        self, asked: Asked, behaviour: Behaviour, *, operator_refusal: int | None
    ) -> dict[str, Any] | None:
        """Take a payout and decide it, within the caller's transaction. None: its id was seen."""
        if self.payout(asked.ocid) is not None and not behaviour.forgets_ocid:
            return None
        code: int | str = operator_refusal or 0
        if not code:
            code = self._rules(asked) if behaviour.code is None else behaviour.code
        paid = code == 0
        now = time.time()
        fee = fee_for(asked.cents) if paid else 0
        row = {
            "ocid": asked.ocid,
            "conversation_id": conversation_id(),
            "msisdn": asked.msisdn,
            "cents": asked.cents,
            "code": json.dumps(code),
            "status": COMPLETED if paid else behaviour.status or self._refused_status,
            "transaction_id": receipt(),
            "fee_cents": fee,
            "utility_cents": self._change(UTILITY, -asked.cents if paid else 0),
            "charges_cents": self._change(CHARGES, -fee),
            "accepted_at": now,
            "finished_at": now + behaviour.finishes_after_s,
        }
        names = ", ".join(row)
        self._store.run(
            f"INSERT OR REPLACE INTO payout ({names}) VALUES ({', '.join('?' * len(row))})",  # noqa: S608
            *row.values(),
        )
        if paid:
            self._store.run(
                "INSERT INTO payment (ocid, msisdn, cents, paid_at) VALUES (?, ?, ?, ?)",
                asked.ocid, asked.msisdn, asked.cents, row["finished_at"],
            )  # fmt: skip
            self._note(
                str(row["transaction_id"]),
                -asked.cents,
                f"Business Payment to {asked.msisdn[:6]}***{asked.msisdn[-3:]} via API."
                f" Original conversation ID is {asked.ocid}.",
                party=asked.msisdn,
            )
        return self.payout(asked.ocid)

    def payout(self, ocid: str) -> dict[str, Any] | None:
        """A request that was taken, with the `name` of whom the number belongs to."""
        return self._found("ocid", ocid)

    def find(self, *, ocid: str, transaction_id: str) -> dict[str, Any] | None:
        """A request by our customer's id or by a receipt."""
        if ocid:
            return self.payout(ocid)
        return self._found("transaction_id", transaction_id)

    def register(self, names: Mapping[str, str]) -> None:
        """Know these numbers' owners from now on, by 254XXXXXXXXX."""
        with self._store.transaction():
            for msisdn, name in names.items():
                self._store.run(
                    "INSERT INTO subscriber VALUES (?, ?)"
                    " ON CONFLICT DO UPDATE SET name = excluded.name",
                    msisdn, name,
                )  # fmt: skip

    def balance(self, account: str) -> int:
        """What an account of the shortcode holds, in cents."""
        cents: int = self._store.value("SELECT cents FROM account WHERE name = ?", account)
        return cents

    def set_float(self, cents: int) -> None:
        """Top up or drain the account that payouts are made from."""
        moved = cents - self.balance(UTILITY)
        if moved:
            self._change(UTILITY, moved)
            way = "from" if moved > 0 else "to"
            self._note(receipt(), moved, f"Organization Settlement {way} the working account")

    def take_back(self, ocid: str) -> bool:
        """Reverse a payment, as Safaricom's staff may. False: there is none to reverse."""
        payout = self.payout(ocid)
        paid = self._store.value("SELECT count(*) FROM payment WHERE ocid = ?", ocid)
        if payout is None or not paid:
            return False
        self._store.run("DELETE FROM payment WHERE ocid = ?", ocid)
        self._change(UTILITY, payout["cents"])
        first = payout["transaction_id"]
        details = f"Reversal of {first} by Safaricom"
        self._note(receipt(), payout["cents"], details, party=payout["msisdn"], undoes=first)
        return True

    def movements(self, *, begins: float, ends: float) -> list[dict[str, Any]]:
        """What moved on the account that payouts are made from, the oldest first."""
        rows = self._store.rows(
            "SELECT * FROM movement WHERE at >= ? AND at < ? ORDER BY id", begins, ends
        )
        return [dict(row) for row in rows]

    def balance_at(self, at: float) -> int:
        """What the account that payouts are made from held at a moment, in cents."""
        moved: int = self._store.value(
            "SELECT coalesce(sum(cents), 0) FROM movement WHERE at >= ?", at
        )
        return self.balance(UTILITY) - moved

    def _rules(self, asked: Asked) -> int:
        """The result code of M-PESA's own rules; 0 is paid."""
        if asked.party_a != self._shortcode:
            return 6
        if asked.cents < MINIMUM:
            return 2
        if asked.cents > MAXIMUM:
            return 3
        held = self._store.value(
            "SELECT coalesce(sum(cents), 0) FROM payment WHERE msisdn = ?", asked.msisdn
        )
        if held + asked.cents > WALLET_MAXIMUM:
            return 8
        return 1 if self.balance(UTILITY) < asked.cents else 0

    def _found(self, column: str, value: str) -> dict[str, Any] | None:
        row = self._store.row(f"SELECT * FROM payout WHERE {column} = ?", value)  # noqa: S608
        if row is None:
            return None
        name = self._store.value("SELECT name FROM subscriber WHERE msisdn = ?", row["msisdn"])
        return {**dict(row), "name": name or ""}

    def _note(
        self, code: str, cents: int, details: str, *, party: str = "", undoes: str = ""
    ) -> None:
        """Keep a movement for the statement, after the account was changed."""
        self._store.run(
            "INSERT INTO movement (at, receipt, cents, balance, details, party, undoes)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            time.time(), code, cents, self.balance(UTILITY), details, party, undoes,
        )  # fmt: skip

    def _change(self, account: str, cents: int) -> int:
        self._store.run("UPDATE account SET cents = cents + ? WHERE name = ?", cents, account)
        return self.balance(account)


def is_open(payout: Mapping[str, Any]) -> bool:
    """Whether M-PESA is still at work on it."""
    return float(payout["finished_at"]) > time.time()


def moment(seconds: float | None) -> str | None:
    """A moment for people, in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
