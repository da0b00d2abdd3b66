"""Random histories: PostgreSQL's books against a model that fits on a page."""

from dataclasses import dataclass, field
from uuid import UUID

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from app.db import Database
from app.ledger import chart, entries, liens, posting, sealing, statements
from app.ledger.entries import JournalEntry
from tests.support.ledger import TODAY, assert_coherent, new_id

AMOUNTS = st.integers(min_value=1, max_value=400) | st.integers(min_value=1, max_value=10**13)


@dataclass
class Account:
    """What the model knows of a member's account."""

    history: list[int] = field(default_factory=list)
    """Signed as the member sees it."""
    held: int = 0

    @property
    def free(self) -> int:
        """What may be taken out."""
        return sum(self.history) - self.held


@dataclass(frozen=True)
class Payout:
    """A payout that was asked for, with the ids that it was born with."""

    account: int
    reserve: JournalEntry
    resolve_id: UUID
    fee: int


class Books(RuleBasedStateMachine):
    """Does to the database and to the model the same, and compares."""

    accounts = Bundle("accounts")
    payouts = Bundle("payouts")
    held = Bundle("held")

    def __init__(self, db: Database) -> None:
        super().__init__()
        self.db = db
        self.model: dict[int, Account] = {}
        self.posted: dict[UUID, JournalEntry] = {}
        with db.transaction() as tx:
            self.system = {a: statements.system_balance(tx, a) for a in chart.SYSTEM_ACCOUNTS}

    def post(self, entry: JournalEntry) -> None:
        """The database must say exactly what the model says."""
        expected = self.expected(entry)
        try:
            with self.db.transaction() as tx:
                outcome: object = posting.post(tx, entry)
        except (posting.InsufficientFunds, posting.DuplicateWithDifferentContents) as refused:
            outcome = type(refused)
        assert expected == outcome
        if outcome is True:
            self.posted[entry.id] = entry
            for line in entry.postings:
                if line.account in self.system:
                    self.system[line.account] += line.cents
                else:
                    self.model[line.account].history.append(-line.cents)

    def expected(self, entry: JournalEntry) -> object:
        """What the model says that posting this entry does: True, False or an error."""
        there = self.posted.get(entry.id)
        if there is not None:
            same = (there.kind, set(there.postings)) == (entry.kind, set(entry.postings))
            return False if same else posting.DuplicateWithDifferentContents
        for line in entry.postings:
            if line.account in self.model and self.model[line.account].free < line.cents:
                return posting.InsufficientFunds
        return True

    def fresh(self) -> UUID:
        """An id that nobody used yet."""
        with self.db.transaction() as tx:
            return new_id(tx)

    @initialize(target=accounts)
    def first_account(self) -> int:
        """There is always an account to work on, with something on it."""
        account = self.open_account()
        self.pay_in(account, 10_000)
        return account

    @rule(target=accounts)
    def open_account(self) -> int:
        """Accounts open at zero."""
        with self.db.transaction() as tx:
            account = posting.open_account(tx)
        self.model[account] = Account()
        return account

    @rule(account=accounts, cents=AMOUNTS)
    def pay_in(self, account: int, cents: int) -> None:
        """Money in always succeeds."""
        self.post(
            entries.opening_balance(
                entry_id=self.fresh(),
                effective_on=TODAY,
                reference="pay in",
                account=account,
                cents=cents,
            )
        )

    @rule(target=payouts, account=accounts, amount=AMOUNTS, fee=st.integers(0, 30))
    def reserve(self, account: int, amount: int, fee: int) -> Payout:
        """Covered or not: the model knows."""
        entry = entries.reserve(
            entry_id=self.fresh(),
            effective_on=TODAY,
            reference="payout",
            account=account,
            total_cents=amount + fee,
        )
        self.post(entry)
        return Payout(account, entry, self.fresh(), fee)

    @rule(payout=payouts)
    def reserve_again(self, payout: Payout) -> None:
        """Also after a refusal: the same id may be used when the money has come."""
        self.post(payout.reserve)

    @rule(payout=payouts)
    def settle(self, payout: Payout) -> None:
        """The first outcome or a repeat of it succeeds, a second one is refused."""
        total = payout.reserve.postings[0].cents
        if payout.reserve.id in self.posted:
            self.post(
                entries.settle(
                    entry_id=payout.resolve_id,
                    effective_on=TODAY,
                    reference="payout",
                    amount_cents=total - payout.fee,
                    fee_cents=payout.fee,
                    duty_cents=0,
                )
            )

    @rule(payout=payouts)
    def compensate(self, payout: Payout) -> None:
        """The other outcome, under the same id."""
        if payout.reserve.id in self.posted:
            self.post(
                entries.compensate(
                    entry_id=payout.resolve_id,
                    effective_on=TODAY,
                    reference="payout",
                    account=payout.account,
                    total_cents=payout.reserve.postings[0].cents,
                    reverses=payout.reserve.id,
                )
            )

    @rule(payout=payouts, cents=AMOUNTS)
    def use_an_old_id_for_something_else(self, payout: Payout, cents: int) -> None:
        """An id means one thing for ever, once it is in the books."""
        self.post(
            entries.reserve(
                entry_id=payout.reserve.id,
                effective_on=TODAY,
                reference="payout",
                account=payout.account,
                total_cents=cents,
            )
        )

    @rule(account=accounts, cents=AMOUNTS)
    def die_before_commit(self, account: int, cents: int) -> None:
        """What was posted in a database transaction that never commits was never posted."""
        with self.db.engine.connect() as tx:
            entry = entries.opening_balance(
                entry_id=new_id(tx),
                effective_on=TODAY,
                reference="died",
                account=account,
                cents=cents,
            )
            assert posting.post(tx, entry)
            tx.rollback()

    @rule(target=held, account=accounts, cents=AMOUNTS)
    def place_lien(self, account: int, cents: int) -> tuple[int, int, int]:
        """What is free can be held, and no more."""
        covered = self.model[account].free >= cents
        try:
            with self.db.transaction() as tx:
                lien = liens.place(tx, account=account, cents=cents, reason="guarantee")
        except posting.InsufficientFunds:
            assert not covered
            return 0, account, 0
        assert covered
        self.model[account].held += cents
        return lien, account, cents

    @rule(lien=consumes(held))
    def release_lien(self, lien: tuple[int, int, int]) -> None:
        """A lien is released once; one that was refused never."""
        number, account, cents = lien
        with self.db.transaction() as tx:
            assert (number > 0) == liens.release(tx, number)
        self.model[account].held -= cents

    @rule(entries_max=st.integers(1, 5))
    def seal(self, entries_max: int) -> None:
        """Sealing changes no figure."""
        with self.db.transaction() as tx:
            sealing.seal(tx, entries_max=entries_max)

    @invariant()
    def the_books_say_what_the_model_says(self) -> None:
        """Balances, statements, system accounts and the trial balance agree after every step."""
        with self.db.transaction() as tx:
            free = posting.lock_available(tx, list(self.model))
            system = dict(tx.execute(sa.text("SELECT id, cents FROM ledger.system_account")).all())
            trial = statements.trial_balance(tx)
            lines = {
                account: [line.cents for line in statements.mini(tx, account, 1_000)]
                for account in self.model
            }
        assert {account: known.free for account, known in self.model.items()} == free
        assert self.system == system
        assert 0 == sum(line.cents for line in trial)
        assert {a: list(reversed(known.history)) for a, known in self.model.items()} == lines


def test_random_histories(db: Database, owner_db: Database) -> None:
    """Posts, repeats, races of outcomes, overdrafts, liens, deaths and seals in any order."""
    run_state_machine_as_test(
        lambda: Books(db),
        settings=settings(
            max_examples=12,
            stateful_step_count=30,
            deadline=None,
            database=None,
            # A history of 30 steps can be read as it is; shrinking would run into the time limit.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert_coherent(owner_db)
