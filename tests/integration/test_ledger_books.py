"""Posting, reading, liens and sealing through the Python functions, on a real database."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from app.db import Database
from app.ids import uuid7
from app.ledger import chart, entries, liens, posting, sealing, statements, upkeep
from app.ledger.entries import JournalEntry, Kind, Posting
from tests.support.ledger import (
    TODAY,
    assert_coherent,
    let_others_finish,
    member_account,
    new_id,
)


def reserve(tx: sa.Connection, account: int, cents: int) -> JournalEntry:
    return entries.reserve(
        entry_id=new_id(tx),
        effective_on=TODAY,
        reference="BRZ2345678",
        account=account,
        total_cents=cents,
    )


def settle(resolve_id: object, **changes: object) -> JournalEntry:
    facts = {
        "entry_id": resolve_id,
        "effective_on": TODAY,
        "reference": "BRZ2345678",
        "amount_cents": 100_000,
        "fee_cents": 2_300,
        "duty_cents": 345,
        **changes,
    }
    return entries.settle(**facts)


def test_a_paid_withdrawal_in_the_books(db: Database, owner_db: Database) -> None:
    """Reserve, then settle: each account has what the design's table says."""
    with db.transaction() as tx:
        member = member_account(tx, cents=5_000_000)
        assert posting.post(tx, reserve(tx, member, 102_645))
        assert -102_645 == statements.system_balance(tx, chart.IN_TRANSIT)
        assert posting.post(tx, settle(new_id(tx)))
    with db.transaction() as tx:
        assert 4_897_355 == statements.available(tx, member)
        balances = {a: statements.system_balance(tx, a) for a in chart.SYSTEM_ACCOUNTS}
        trial = {line.gl_code: line.cents for line in statements.trial_balance(tx)}
    moved = {
        chart.FLOAT: -100_000,
        chart.FEE_INCOME: -2_300,
        chart.EXCISE_DUTY: -345,
        chart.OPENING_BALANCES: 5_000_000,
    }
    assert {a: moved.get(a, 0) for a in chart.SYSTEM_ACCOUNTS} == balances
    assert {2010: -4_897_355} == {c: v for c, v in trial.items() if c == chart.MEMBER_SAVINGS}
    assert 0 == sum(trial.values())
    assert_coherent(owner_db)


def test_a_repeat_is_no_second_entry(db: Database, owner_db: Database) -> None:
    """The same entry again, in another transaction and on another day, changes nothing."""
    with db.transaction() as tx:
        member = member_account(tx, cents=5_000_000)
        first = reserve(tx, member, 102_645)
        resolve_id = new_id(tx)
        assert posting.post(tx, first)
        assert posting.post(tx, settle(resolve_id))
        assert not posting.post(tx, first)
    with db.transaction() as tx:
        tomorrow = settle(resolve_id, effective_on=TODAY + timedelta(days=1))
        assert not posting.post(tx, tomorrow)
        assert 4_897_355 == statements.available(tx, member)
    assert_coherent(owner_db)


def test_the_order_of_lines_means_nothing(db: Database) -> None:
    """An entry whose lines come in another order is the same entry."""
    with db.transaction() as tx:
        member = member_account(tx)
        lines = (Posting(member, -500), Posting(chart.OPENING_BALANCES, 500))
        one = JournalEntry(new_id(tx), Kind.OPENING, TODAY, "r", lines)
        assert posting.post(tx, one)
        assert not posting.post(
            tx, JournalEntry(one.id, Kind.OPENING, TODAY, "r", (lines[1], lines[0]))
        )


def test_settle_after_compensate_is_refused(db: Database, owner_db: Database) -> None:
    """The two outcomes share one id, so the books let only the first one happen."""
    with db.transaction() as tx:
        member = member_account(tx, cents=5_000_000)
        taken = reserve(tx, member, 102_645)
        resolve_id = new_id(tx)
        posting.post(tx, taken)
        posting.post(
            tx,
            entries.compensate(
                entry_id=resolve_id,
                effective_on=TODAY,
                reference="BRZ2345678",
                account=member,
                total_cents=102_645,
                reverses=taken.id,
            ),
        )
    with pytest.raises(posting.DuplicateWithDifferentContents), db.transaction() as tx:
        posting.post(tx, settle(resolve_id))
    with db.transaction() as tx:
        assert 5_000_000 == statements.available(tx, member)
        assert 0 == statements.system_balance(tx, chart.FLOAT)
    assert_coherent(owner_db)


def test_a_batch_posts_what_is_new(db: Database, owner_db: Database) -> None:
    """A batch that was half done before returns only the other half's ids."""
    with db.transaction() as tx:
        members = [member_account(tx, cents=10_000) for _ in range(4)]
        batch = [reserve(tx, member, 9_000) for member in members]
        assert {e.id for e in batch[:2]} == posting.post_many(tx, batch[:2])
        assert {e.id for e in batch[2:]} == posting.post_many(tx, list(reversed(batch)))
        assert set() == posting.post_many(tx, batch)
        assert set() == posting.post_many(tx, [])
        assert [1_000] * 4 == [statements.available(tx, m) for m in members]
    assert_coherent(owner_db)


def test_one_overdraft_stops_the_whole_batch(db: Database, owner_db: Database) -> None:
    """Nothing of a batch stays when one member has too little."""
    with db.transaction() as tx:
        rich, poor = member_account(tx, cents=10_000), member_account(tx, cents=10)
    with pytest.raises(posting.InsufficientFunds), db.transaction() as tx:
        posting.post_many(tx, [reserve(tx, rich, 5_000), reserve(tx, poor, 11)])
    with db.transaction() as tx:
        assert (10_000, 10) == (statements.available(tx, rich), statements.available(tx, poor))
    assert_coherent(owner_db)


def test_refusals_name_the_rule_and_no_figures(db: Database) -> None:
    """An error that may be logged holds neither the balance nor the account's row."""
    with db.transaction() as tx:
        poor = member_account(tx, cents=1_234)
    with pytest.raises(posting.InsufficientFunds) as refused, db.transaction() as tx:
        posting.post(tx, reserve(tx, poor, 1_235))
    assert "account_balance_no_overdraft" == str(refused.value)
    assert refused.value.__cause__ is None


def test_unknown_accounts_are_refused(db: Database) -> None:
    """An account that is not there, or cannot be, is an error of the caller's."""
    with pytest.raises(posting.UnknownAccount), db.transaction() as tx:
        posting.post(tx, reserve(tx, 999_999, 1))
    with db.transaction() as tx:
        with pytest.raises(posting.UnknownAccount):
            statements.available(tx, 999_999)
        with pytest.raises(posting.UnknownAccount):
            statements.system_balance(tx, 999_999)
        for gl_code in (chart.FLOAT - chart.SYSTEM_ACCOUNTS_FROM, 9_999):
            with pytest.raises(posting.UnknownAccount):
                posting.open_account(tx, gl_code=gl_code)


def test_a_closed_period_takes_no_entry(db: Database, owner_db: Database) -> None:
    """After a close, entries of that time are refused, new ones and repeats are not."""
    with db.transaction() as tx:
        member = member_account(tx, cents=10_000)
        before = reserve(tx, member, 100)
        posting.post(tx, before)
    with owner_db.transaction() as tx:
        tx.execute(sa.text("SELECT ledger.close_period(:day)"), {"day": TODAY})
    with db.transaction() as tx:
        assert not posting.post(tx, before)
    with pytest.raises(posting.ClosedPeriod), db.transaction() as tx:
        posting.post(tx, reserve(tx, member, 100))
    with db.transaction() as tx:
        later = entries.float_top_up(
            entry_id=new_id(tx),
            effective_on=TODAY + timedelta(days=1),
            reference="slip 7",
            cents=1_000,
        )
        assert posting.post(tx, later)


def test_a_closed_account_stays_empty(db: Database, owner_db: Database) -> None:
    """A closed account is offered nothing and takes nothing."""
    with db.transaction() as tx:
        member = member_account(tx)
    with owner_db.transaction() as tx:
        tx.execute(sa.text("UPDATE ledger.account_balance SET is_closed = true"))
    with db.transaction() as tx:
        assert 0 == statements.available(tx, member)
        assert {member: 0} == posting.lock_available(tx, [member])
    with pytest.raises(posting.ClosedAccount), db.transaction() as tx:
        posting.post(
            tx,
            entries.opening_balance(
                entry_id=new_id(tx), effective_on=TODAY, reference="r", account=member, cents=1
            ),
        )


def test_a_mistake_without_a_name_of_its_own_is_broken(db: Database) -> None:
    """A rule that this code should have kept stops the caller with that rule's name."""
    with db.transaction() as tx:
        now = tx.scalar(sa.text("SELECT now()"))
    assert now is not None
    entry = entries.float_top_up(
        entry_id=uuid7(now + timedelta(days=1)), effective_on=TODAY, reference="r", cents=1
    )
    with pytest.raises(posting.EntryRefused, match="entry_id_not_ahead"), db.transaction() as tx:
        posting.post(tx, entry)


def test_an_id_made_long_ago_still_posts(db: Database, owner_db: Database) -> None:
    """A payout that was open over a month's end is resolved under the id it was born with."""
    with db.transaction() as tx:
        member = member_account(tx, cents=10_000)
        now = tx.scalar(sa.text("SELECT now()"))
        assert now is not None
        last_month = uuid7(now.replace(day=1) - timedelta(days=1))
        late = entries.reserve(
            entry_id=last_month, effective_on=TODAY, reference="r", account=member, total_cents=300
        )
        assert posting.post(tx, late)
        assert not posting.post(tx, late)
        posting.post(tx, reserve(tx, member, 200))
        assert [9_500, 9_700, 10_000] == [
            line.balance_cents for line in statements.mini(tx, member, 5)
        ]
    assert_coherent(owner_db)


def test_the_mini_statement_is_the_members_view(db: Database) -> None:
    """Newest first, money in positive, each with the balance after it, no more than asked for."""
    with db.transaction() as tx:
        member = member_account(tx, cents=10_000)
        for cents in (100, 200, 300):
            posting.post(tx, reserve(tx, member, cents))
        lines = statements.mini(tx, member, 3)
        assert [(4, -300, 9_400), (3, -200, 9_700), (2, -100, 9_900)] == [
            (line.version, line.cents, line.balance_cents) for line in lines
        ]
        assert {(Kind.RESERVE, "BRZ2345678", TODAY)} == {
            (line.kind, line.reference, line.effective_on) for line in lines
        }
        assert [] == statements.mini(tx, 999_999, 3)


def test_lines_of_a_payouts_entries(db: Database) -> None:
    """Both entries of a payout, oldest first, debits first; an id not used yet shows nothing."""
    with db.transaction() as tx:
        member = member_account(tx, cents=5_000_000)
        taken = reserve(tx, member, 102_645)
        resolve_id = new_id(tx)
        posting.post(tx, taken)
        assert 2 == len(statements.lines_of(tx, [taken.id, resolve_id]))
        posting.post(tx, settle(resolve_id))
        lines = statements.lines_of(tx, [resolve_id, taken.id])
    assert [
        ("Member savings", 102_645),
        ("Payouts in transit", -102_645),
        ("Payouts in transit", 102_645),
        ("M-PESA float", -100_000),
        ("Excise duty payable", -345),
        ("Withdrawal fees", -2_300),
    ] == [(line.gl_name, line.cents) for line in lines]


def test_a_lien_holds_money_until_it_is_released(db: Database, owner_db: Database) -> None:
    """Held money is there and cannot be taken; a lien is released once."""
    with db.transaction() as tx:
        member = member_account(tx, cents=10_000)
        lien = liens.place(tx, account=member, cents=3_500, reason="guarantee")
        liens.place(tx, account=member, cents=500, reason="court order")
        assert 6_000 == statements.available(tx, member)
    with pytest.raises(posting.InsufficientFunds), db.transaction() as tx:
        posting.post(tx, reserve(tx, member, 6_001))
    with pytest.raises(posting.InsufficientFunds), db.transaction() as tx:
        liens.place(tx, account=member, cents=6_001, reason="court order")
    assert_coherent(owner_db)
    with db.transaction() as tx:
        assert liens.release(tx, lien)
        assert not liens.release(tx, lien)
        assert 9_500 == statements.available(tx, member)
    assert_coherent(owner_db)


def test_lock_available_tells_what_each_may_take(db: Database) -> None:
    """Unknown accounts are missing from the answer, nobody else's balance is in it."""
    with db.transaction() as tx:
        one, two, _ = (member_account(tx, cents=cents) for cents in (100, 0, 300))
        assert {one: 100, two: 0} == posting.lock_available(tx, [two, one, 999_999])
        assert {} == posting.lock_available(tx, [])


def test_sums_are_the_same_sealed_and_unsealed(db: Database, owner_db: Database) -> None:
    """Balances never depend on how far the sealer has come, nor on the size of its blocks."""
    with db.transaction() as tx:
        member = member_account(tx, cents=10_000)
    for cents in (100, 200, 300):
        with db.transaction() as tx:
            posting.post(tx, reserve(tx, member, cents))
    let_others_finish(db)
    with db.transaction() as tx:
        unsealed = statements.trial_balance(tx)
        assert 2 == sealing.seal(tx, entries_max=2)
    with db.transaction() as tx:
        assert unsealed == statements.trial_balance(tx)
        assert -600 == statements.system_balance(tx, chart.IN_TRANSIT)
        assert 2 == sealing.seal(tx)
        assert 0 == sealing.seal(tx)
    with db.transaction() as tx:
        assert unsealed == statements.trial_balance(tx)
        assert -600 == statements.system_balance(tx, chart.IN_TRANSIT)
        assert [] == sealing.verify(tx)
    assert_coherent(owner_db)


def test_the_chart_is_the_one_in_the_database(db: Database) -> None:
    """The names in chart.py and the rows of chart.sql are the same accounts."""
    with db.transaction() as tx:
        system = set(tx.scalars(sa.text("SELECT id FROM ledger.account WHERE NOT is_tracked")))
        names = dict(tx.execute(sa.text("SELECT code, name FROM ledger.gl_account")).all())
        kinds = tx.scalars(sa.text("SELECT unnest(enum_range(NULL::ledger.entry_kind))::text"))
        assert set(chart.SYSTEM_ACCOUNTS) == system
        assert [kind.value for kind in Kind] == list(kinds)
    assert "M-PESA float" == names[chart.FLOAT - chart.SYSTEM_ACCOUNTS_FROM]
    assert "Payouts in transit" == names[chart.IN_TRANSIT - chart.SYSTEM_ACCOUNTS_FROM]
    assert "Member savings" == names[chart.MEMBER_SAVINGS]


def test_months_are_made_once(db: Database, owner_db: Database) -> None:
    """The migration makes five months; a month that is missing is made again with its guards."""
    with db.transaction() as tx:
        assert 0 == upkeep.ensure_months(tx)
        ahead = tx.scalar(sa.text("SELECT (now() + interval '3 months')::date"))
    assert isinstance(ahead, date)
    with owner_db.transaction() as tx:
        for table in ("posting", "journal_entry"):
            tx.execute(sa.text(f"DROP TABLE ledger.{table}_{ahead:%Y%m}"))
    with db.transaction() as tx:
        assert 1 == upkeep.ensure_months(tx)
        assert [] == sealing.verify(tx)
