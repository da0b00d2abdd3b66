"""Withdrawals that wait for their debit, as the USSD door leaves them, thousands at once.

What the door does for one is here done by one statement for all. The guards are on, so a row that
the door could not have written is refused.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app import ids
from app.db import Database, Tx
from app.money import shillings
from app.payouts import claims, quotes
from tests.chaos import backlog
from tests.support import prices

AMOUNT_CENTS = shillings(350)
EXCISE_BASIS_POINTS = 1500
_NO_CEILINGS = sa.text(
    "INSERT INTO withdrawal_limit (effective_from, minimum_cents, maximum_cents, daily_cents)"
    " VALUES ((now() AT TIME ZONE 'Africa/Nairobi')::date, 5000, 25000000, 10000000000)"
)
_QUOTES = sa.text(
    "INSERT INTO quote (id, session_id, transcript_mac, member_id, account_id, amount_cents,"
    " fee_cents, duty_cents) SELECT r.id, 'bench ' || r.id, 'bench', r.member, r.account,"
    " :amount, :fee, :duty FROM unnest(:ids, :members, :accounts) r (id, member, account)"
).bindparams(
    sa.bindparam("ids", type_=ARRAY(sa.Uuid)),
    sa.bindparam("members", type_=ARRAY(sa.BigInteger)),
    sa.bindparam("accounts", type_=ARRAY(sa.BigInteger)),
)
_TAKEN = sa.text("SELECT reference FROM payout WHERE reference = ANY(:references)")
_PAYOUTS = sa.text(
    "INSERT INTO payout (id, reference, quote_id, member_id, account_id, msisdn, language,"
    " amount_cents, fee_cents, duty_cents, reserve_id, resolve_id, requested_at, notice_due_at,"
    " unsent_expires_at)"
    " SELECT r.id, r.reference, q.id, q.member_id, q.account_id, m.msisdn, m.language,"
    " q.amount_cents, q.fee_cents, q.duty_cents, r.reserve_id, r.resolve_id, now(),"
    " now() + interval '10 minutes', now() + interval '10 hours'"
    " FROM unnest(:ids, :references, :quotes, :reserve_ids, :resolve_ids)"
    "  r (id, reference, quote, reserve_id, resolve_id)"
    " JOIN quote q ON q.id = r.quote JOIN member m ON m.id = q.member_id"
).bindparams(
    sa.bindparam("ids", type_=ARRAY(sa.Uuid)),
    sa.bindparam("references", type_=ARRAY(sa.Text)),
    sa.bindparam("quotes", type_=ARRAY(sa.Uuid)),
    sa.bindparam("reserve_ids", type_=ARRAY(sa.Uuid)),
    sa.bindparam("resolve_ids", type_=ARRAY(sa.Uuid)),
)


def people(owner: Database, count: int) -> list[tuple[int, int]]:
    """Make members with savings, a price and wide limits. Returns member and account of each."""
    with owner.transaction() as tx:
        prices.tariff(tx, [(AMOUNT_CENTS, AMOUNT_CENTS, shillings(12))])
        prices.excise(tx, EXCISE_BASIS_POINTS)
        tx.execute(_NO_CEILINGS)
    return backlog.people(owner, count)


def _free_references(tx: Tx, count: int) -> list[str]:
    """Names that no payout has. Among ten million, one of three thousand is taken by chance."""
    free: set[str] = set()
    while len(free) < count:
        drawn = [ids.reference() for _ in range(count - len(free))]
        free |= set(drawn) - set(tx.scalars(_TAKEN, {"references": drawn}))
    return sorted(free)


def fill(owner: Database, whose: Sequence[tuple[int, int]]) -> None:
    """Take in one withdrawal of each of these members, none of whom has one open."""
    with owner.transaction() as tx:
        at = claims.now(tx)
        member, account = whose[0]
        shown = quotes.make(
            tx,
            session_id=f"price {ids.uuid7(at)}",
            transcript_mac=b"price",
            member_id=member,
            account_id=account,
            amount_cents=AMOUNT_CENTS,
        )
        quote_ids = [ids.uuid7(at) for _ in whose]
        tx.execute(
            _QUOTES,
            {
                "ids": quote_ids,
                "members": [member for member, _ in whose],
                "accounts": [account for _, account in whose],
                "amount": shown.amount_cents,
                "fee": shown.fee_cents,
                "duty": shown.duty_cents,
            },
        )
        tx.execute(
            _PAYOUTS,
            {
                "ids": [ids.uuid7(at) for _ in whose],
                "references": _free_references(tx, len(whose)),
                "quotes": quote_ids,
                "reserve_ids": [ids.uuid7(at) for _ in whose],
                "resolve_ids": [ids.uuid7(at) for _ in whose],
            },
        )
