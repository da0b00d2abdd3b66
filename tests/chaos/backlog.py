"""Withdrawals without the dialling: thousands at once, or more in a second than PINs allow.

They are taken in as the USSD door takes one in after a good PIN, by the same functions. Dialling
them would take longer than all the rest: a PIN alone costs a core its tenth of a second.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from app import ids, redis_client
from app.db import Database
from app.doorbell import Doorbell, Step
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
_MEMBERS = sa.text(
    "WITH m AS (INSERT INTO member (member_no, name, msisdn, language)"
    " SELECT 'B' || n, 'Backlog ' || n, '+2547' || (30000000 + n), 'en'"
    " FROM generate_series(1, :count) AS n RETURNING id)"
    " SELECT id FROM m ORDER BY id"
)
_ACCOUNTS = sa.text("INSERT INTO member_account (account_id, member_id) VALUES (:account, :member)")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What one member asks for."""

    member: int
    account: int
    amount_cents: int
    kind: str
    """What M-PESA is to do."""


def fill(everything: World, count: int, *, seed: int) -> dict[str, str]:
    """Take in so many withdrawals, each of a member of its own, while no worker runs.

    Returns what M-PESA is to do, by reference.
    """
    everything.stack.stop("clock")
    everything.stack.stop("worker")
    try:
        with _door(everything) as take_in, ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(pool.map(take_in, _wanted(everything, count, ENDINGS, seed=seed)))
    finally:
        everything.stack.start("worker", "clock")


def arrive(
    everything: World,
    count: int,
    *,
    per_s: float,
    endings: Sequence[tuple[int, str, str]],
    seed: int,
) -> dict[str, str]:
    """Take in so many withdrawals, so many a second, and ring for each as the USSD door does.

    Returns what M-PESA is to do, by reference.
    """
    bell = Doorbell(redis_client.connect(everything.stack.redis_url, timeout_s=0.5))
    wanted = _wanted(everything, count, endings, seed=seed)
    with _door(everything) as take_in, ThreadPoolExecutor(AT_ONCE) as pool:
        began = time.monotonic()

        def in_time(n: int, one: _Wanted) -> tuple[str, str]:
            time.sleep(max(0.0, began + n / per_s - time.monotonic()))
            taken = take_in(one)
            bell.ring(Step.DEBIT)
            return taken

        return dict(pool.map(in_time, range(count), wanted))


def _wanted(
    everything: World, count: int, endings: Sequence[tuple[int, str, str]], *, seed: int
) -> list[_Wanted]:
    chance = random.Random(seed)
    weights = [weight for weight, *_ in endings]
    found = []
    for member, account in people(everything.owner, count):
        ((_, ending, kind),) = chance.choices(endings, weights)
        amount = int(f"3{ending or chance.randrange(60, 100)}")
        found.append(_Wanted(member, account, shillings(amount), kind))
    return found


@contextmanager
def _door(everything: World) -> Iterator[Callable[[_Wanted], tuple[str, str]]]:
    """What takes in one withdrawal, and tells its reference and what M-PESA is to do."""
    db = Database(everything.stack.logins.application, pool_max=AT_ONCE, name="chaos")
    plans = schedule(everything.stack.settings)

    def take_in(one: _Wanted) -> tuple[str, str]:
        with db.transaction() as tx:
            quote = quotes.make(
                tx,
                session_id=f"backlog {one.member}",
                transcript_mac=b"backlog",
                member_id=one.member,
                account_id=one.account,
                amount_cents=one.amount_cents,
            )
            taken = intake.request(tx, quote_id=quote.id, notice_after_s=plans.notice_after_s)
        assert isinstance(taken, intake.Requested), taken
        return taken.reference, one.kind

    try:
        yield take_in
    finally:
        db.close()


def people(owner: Database, count: int) -> list[tuple[int, int]]:
    """Make members with savings and nothing else. Returns member and account of each."""
    with owner.transaction() as tx:
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
