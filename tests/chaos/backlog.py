"""Thousands of withdrawals at once: what waits when Baraza comes back after an outage.

They are taken in as the USSD door takes one in after a good PIN, by the same functions, but
without the dialling, which would take longer than all the rest.
"""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import sqlalchemy as sa

from app import ids
from app.db import Database
from app.ledger import entries, posting
from app.money import shillings
from app.payouts import claims, intake, quotes
from app.payouts.planning import schedule
from tests.chaos.world import World

SAVINGS_CENTS = shillings(10_000)
AT_ONCE = 4
ENDINGS = (
    (80, "", "succeeds"),
    (15, "02", "refused"),
    (4, "03", "result lost"),
    (1, "04", "twice"),
)
"""M-PESA answers. With calls that hang, all would wait for their time-outs, wave by wave."""
_NO_LIMITS = sa.text(
    "INSERT INTO withdrawal_limit (effective_from, minimum_cents, maximum_cents, daily_cents)"
    " VALUES ((now() AT TIME ZONE 'Africa/Nairobi')::date, 5000, 25000000, 25000000)"
)
_MEMBERS = sa.text(
    "WITH m AS (INSERT INTO member (member_no, name, msisdn, language)"
    " SELECT 'B' || n, 'Backlog ' || n, '+2547' || (30000000 + n), 'en'"
    " FROM generate_series(1, :count) AS n RETURNING id)"
    " SELECT id FROM m ORDER BY id"
)
_ACCOUNTS = sa.text("INSERT INTO member_account (account_id, member_id) VALUES (:account, :member)")


def fill(everything: World, count: int, *, seed: int) -> dict[str, str]:
    """Take in so many withdrawals, each of a member of its own, while no worker runs.

    Returns what M-PESA is to do, by reference.
    """
    everything.stack.stop("clock")
    everything.stack.stop("worker")
    people = _people(everything.owner, count)
    chance = random.Random(seed)
    weights = [weight for weight, *_ in ENDINGS]
    wanted = [
        (member, account, *chance.choices(ENDINGS, weights)[0][1:], chance.randrange(60, 100))
        for member, account in people
    ]
    db = Database(everything.stack.logins.application, pool_max=AT_ONCE, name="chaos")
    plans = schedule(everything.stack.settings)

    def take_in(one: tuple[Any, ...]) -> tuple[str, str]:
        member, account, ending, kind, other = one
        with db.transaction() as tx:
            quote = quotes.make(
                tx,
                session_id=f"backlog {member}",
                transcript_mac=b"backlog",
                member_id=member,
                account_id=account,
                amount_cents=shillings(int(f"3{ending or other}")),
            )
            taken = intake.request(tx, quote_id=quote.id, notice_after_s=plans.notice_after_s)
        assert isinstance(taken, intake.Requested), taken
        return taken.reference, kind

    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(pool.map(take_in, wanted))
    finally:
        db.close()
        everything.stack.start("worker", "clock")


def _people(owner: Database, count: int) -> list[tuple[int, int]]:
    """Members with savings and nothing else. Returns member and account of each."""
    with owner.transaction() as tx:
        tx.execute(_NO_LIMITS)
        members: Sequence[int] = tx.scalars(_MEMBERS, {"count": count}).all()
        accounts = posting.open_accounts(tx, count)
        pairs = list(zip(members, accounts, strict=True))
        tx.execute(_ACCOUNTS, [{"member": m, "account": a} for m, a in pairs])
        at = claims.now(tx)
        brought = [
            entries.opening_balance(
                entry_id=ids.uuid7(at),
                effective_on=at.date(),
                reference="backlog",
                account=account,
                cents=SAVINGS_CENTS,
            )
            for account in accounts
        ]
        for start in range(0, count, posting.BATCH_MAX):
            posting.post_many(tx, brought[start : start + posting.BATCH_MAX])
    return pairs
