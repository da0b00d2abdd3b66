"""What a withdrawal costs, and the quote that binds once a member has seen it."""

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from app import ids
from app.db import Tx
from app.errors import Refused
from app.money import rate_bp


class NoTariff(Refused):
    """No tariff band or duty rate is in force for this amount today."""

    code = "QT-01"


@dataclass(frozen=True, slots=True)
class Quote:
    """Amount, fee and duty as the confirm screen showed them."""

    id: UUID
    amount_cents: int
    fee_cents: int
    duty_cents: int

    @property
    def total_cents(self) -> int:
        """What leaves the member's savings."""
        return self.amount_cents + self.fee_cents + self.duty_cents


_TODAY = "(now() AT TIME ZONE 'Africa/Nairobi')::date"

_PRICE = sa.text(
    "SELECT b.fee_cents, e.basis_points, now() AS at FROM tariff_band b,"  # noqa: S608 - constants
    f" (SELECT basis_points FROM excise_rate WHERE effective_from <= {_TODAY}"
    "   ORDER BY effective_from DESC, id DESC LIMIT 1) e"
    " WHERE b.tariff_id = (SELECT id FROM tariff"
    f"   WHERE effective_from <= {_TODAY} ORDER BY effective_from DESC, id DESC LIMIT 1)"
    " AND :amount BETWEEN b.from_cents AND b.to_cents"
)
_INSERT = sa.text(
    "INSERT INTO quote (id, session_id, transcript_mac, member_id, account_id,"
    " amount_cents, fee_cents, duty_cents)"
    " VALUES (:id, :session_id, :transcript_mac, :member_id, :account_id, :amount, :fee, :duty)"
    " ON CONFLICT (session_id, transcript_mac) DO NOTHING"
    " RETURNING id, amount_cents, fee_cents, duty_cents"
)
_SELECT = sa.text(
    "SELECT id, amount_cents, fee_cents, duty_cents FROM quote"
    " WHERE session_id = :session_id AND transcript_mac = :transcript_mac"
)


def make(
    tx: Tx,
    *,
    session_id: str,
    transcript_mac: bytes,
    member_id: int,
    account_id: int,
    amount_cents: int,
) -> Quote:
    """The quote for this hop. A repeated hop gets the first one, whatever the tariff is by then.

    Raises:
        NoTariff: nothing in force prices this amount.
    """
    hop = {"session_id": session_id, "transcript_mac": transcript_mac}
    made, price = None, tx.execute(_PRICE, {"amount": amount_cents}).one_or_none()
    if price is not None:
        priced = {
            **hop,
            "id": ids.uuid7(price.at),
            "member_id": member_id,
            "account_id": account_id,
            "amount": amount_cents,
            "fee": price.fee_cents,
            "duty": rate_bp(price.fee_cents, basis_points=price.basis_points),
        }
        made = tx.execute(_INSERT, priced).one_or_none()
    made = made or tx.execute(_SELECT, hop).one_or_none()
    if made is None:
        raise NoTariff(f"no tariff for {amount_cents} cents")
    return Quote(*made)
