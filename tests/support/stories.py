"""Payouts brought to a state by the real steps, with the provider's words written as evidence."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from redis import Redis

from app import redis_client
from app.audit import Actor
from app.db import Database, Tx
from app.doorbell import Doorbell
from app.payouts import cancel, intake, proposals, quotes
from app.payouts.deadlines import Schedule
from app.payouts.debit import Debit
from app.payouts.proofs import Action
from app.payouts.resolve import Resolve
from tests.support import databases, prices
from tests.support.ledger import member_account

SAVINGS_CENTS = 50_000_00
AMOUNT_CENTS = 1_500_00
SCHEDULE = Schedule(
    resend_after_s=(5, 30), ask_after_s=(90, 300), doubt_after_s=120, notice_after_s=120,
    call_s_max=30,
)  # fmt: skip
LONG_AGO = date(2026, 1, 1)


@dataclass(frozen=True, slots=True)
class Person:
    """A member with savings."""

    id: int
    account: int
    msisdn: str


class Stories:
    """Makes members and their payouts in one database."""

    def __init__(self, db: Database, redis_url: str, *, priced: bool = False) -> None:
        """`priced`: somebody else has set a tariff and limits."""
        self.db = db
        self.redis: Redis = redis_client.connect(redis_url)
        self.doorbell = Doorbell(self.redis)
        self._people = 0
        if not priced:
            with db.transaction() as tx:
                _tariff(tx)

    def person(self, *, cents: int = SAVINGS_CENTS, language: str = "en") -> Person:
        """A new member with this much on a savings account."""
        self._people += 1
        msisdn = f"+254712{self._people:06d}"
        with self.db.transaction() as tx:
            account = member_account(tx, cents=cents)
            member = tx.scalar(
                sa.text(
                    "INSERT INTO member (member_no, name, msisdn, language)"
                    " VALUES (:no, 'Wanjiku Kamau', :msisdn, :language) RETURNING id"
                ),
                {"no": f"M{self._people:03d}", "msisdn": msisdn, "language": language},
            )
            assert member is not None
            tx.execute(
                sa.text(
                    "INSERT INTO member_account (account_id, member_id) VALUES (:account, :member)"
                ),
                {"account": account, "member": member},
            )
        return Person(member, account, msisdn)

    def requested(self, person: Person | None = None, *, cents: int = AMOUNT_CENTS) -> str:
        """A withdrawal that was confirmed. Returns its reference, as all of these do."""
        who = person or self.person()
        with self.db.transaction() as tx:
            quote = quotes.make(
                tx,
                session_id=f"ATUid_{self._people}_{cents}",
                transcript_mac=b"m" * 32,
                member_id=who.id,
                account_id=who.account,
                amount_cents=cents,
            )
            taken = intake.request(tx, quote_id=quote.id, notice_after_s=SCHEDULE.notice_after_s)
        assert isinstance(taken, intake.Requested)
        return taken.reference

    def reserved(self) -> str:
        """The total waits in payouts in transit."""
        reference = self.requested()
        self.debit()
        return reference

    def cancelled(self) -> str:
        """Debited, then the member took it back."""
        reference = self.reserved()
        assert isinstance(self.cancel(reference), cancel.Cancelled)
        return reference

    def cancel(self, reference: str) -> cancel.Cancelled | cancel.TooLate | cancel.NothingOpen:
        """The member of this payout asks to take it back."""
        with self.db.transaction() as tx:
            query = sa.text("SELECT member_id FROM payout WHERE reference = :reference")
            member_id = tx.scalar(query, {"reference": reference})
            assert member_id is not None
            return cancel.by_member(tx, member_id=member_id, reference=reference)

    def declined(self) -> str:
        """Confirmed, then the savings were gone before the debit."""
        who = self.person()
        reference = self.requested(who)
        with self.db.transaction() as tx:
            tx.execute(
                sa.text("SELECT ledger.place_lien(:account, :cents, 'court order')"),
                {"account": who.account, "cents": SAVINGS_CENTS},
            )
        self.debit()
        return reference

    def called(self) -> str:
        """One call is committed and nothing is known of it."""
        reference = self.reserved()
        self.call(reference)
        return reference

    def call(self, reference: str) -> None:
        """Commit the first call for what was reserved."""
        self.write(
            "INSERT INTO attempt (payout_id, n, body_hash)"
            " SELECT id, 1, 'body' FROM payout WHERE reference = :reference",
            reference,
        )
        self.write(
            "UPDATE payout SET state = 'submitting', cause = 'call committed',"
            " first_call_at = now(), work_due_at = NULL, doubt_due_at = now() + interval '1 min'"
            " WHERE reference = :reference",
            reference,
        )

    def submitted(self) -> str:
        """M-PESA has acknowledged the request."""
        reference = self.called()
        self.acknowledge(reference)
        return reference

    def acknowledge(self, reference: str) -> None:
        """M-PESA takes the call."""
        self.write(
            "UPDATE attempt SET outcome = 'accepted', finished_at = now(), conversation_id = "
            " 'AG_' || :reference WHERE payout_id = (SELECT id FROM payout"
            " WHERE reference = :reference)",
            reference,
        )
        self.told(reference, "ack", "accepted", conversation_id=f"AG_{reference}")

    def in_doubt(self) -> str:
        """The call had no clear answer."""
        reference = self.called()
        self.told(reference, "ack", "doubt")
        return reference

    def paid(self) -> str:
        """M-PESA says paid."""
        reference = self.submitted()
        self.pay(reference)
        return reference

    def pay(self, reference: str) -> None:
        """M-PESA says that this one is paid."""
        self.told(
            reference,
            "callback",
            "success",
            code="0",
            receipt=f"S{reference[1:]}",
            amount_cents=AMOUNT_CENTS,
            conversation_id=f"AG_{reference}",
        )

    def reversed(self) -> str:
        """M-PESA says no: the member's M-PESA account is full."""
        reference = self.submitted()
        self.told(reference, "status", "definite_no", code="8")
        return reference

    def debit(self) -> None:
        """Run the debit step."""
        Debit(self.db, self.doorbell).run()

    def resolve(self) -> None:
        """Run the resolve step."""
        Resolve(self.db, self.doorbell, SCHEDULE).run()

    def told(self, reference: str, source: str, of: str, **facts: Any) -> None:
        """Write down what somebody said about a payout, and resolve."""
        columns = {"code": None, "receipt": None, "amount_cents": None, "conversation_id": None}
        with self.db.transaction() as tx:
            tx.execute(
                sa.text(
                    "INSERT INTO evidence (payout_id, source, class, code, receipt, amount_cents,"
                    " conversation_id) SELECT id, :source, :of, :code, :receipt, :amount_cents,"
                    " :conversation_id FROM payout WHERE reference = :reference"
                ),
                {**columns, **facts, "source": source, "of": of, "reference": reference},
            )
        self.resolve()

    def write(self, statement: str, reference: str) -> None:
        """One statement about one payout, in a database transaction of its own."""
        with self.db.transaction() as tx:
            tx.execute(sa.text(statement), {"reference": reference})

    def state(self, reference: str) -> str:
        """Where a payout stands."""
        with self.db.transaction() as tx:
            query = sa.text("SELECT state FROM payout WHERE reference = :reference")
            return str(tx.scalar(query, {"reference": reference}))

    def one_of_each(self) -> dict[str, str]:
        """A payout in every state that the steps and people bring about, by its state."""
        made = {
            "requested": self.requested,
            "reserved": self.reserved,
            "declined": self.declined,
            "submitting": self.called,
            "submitted": self.submitted,
            "in_doubt": self.in_doubt,
            "paid": self.paid,
            "reversed": self.reversed,
            "cancelled": self.cancelled,
            "recovery": self.recovery,
            "recovered": self.recovered,
            "written_off": self.written_off,
            "returned": self.returned,
        }
        # The requested one last: a debit for another would take it along.
        references = {state: make() for state, make in reversed(made.items())}
        assert {ref: state for state, ref in references.items()} == {
            ref: self.state(ref) for ref in references.values()
        }
        return references

    def recovery(self) -> str:
        """Reversed by us, then paid by M-PESA."""
        reference = self.reversed()
        self.pay(reference)
        return reference

    def recovered(self) -> str:
        """Paid after all, and the member's savings paid it back."""
        reference = self.recovery()
        self.ruled(reference, Action.MAKE_GOOD, paid_by="savings")
        return reference

    def written_off(self) -> str:
        """Paid after all, and the SACCO bears it."""
        reference = self.recovery()
        self.ruled(reference, Action.GIVE_UP)
        return reference

    def returned(self) -> str:
        """Paid, and M-PESA took it back."""
        reference = self.paid()
        self.told(reference, "statement", "taken_back")
        self.ruled(reference, Action.TAKE_BACK)
        return reference

    def ruled(self, reference: str, action: Action, **given: str) -> None:
        """One person proposes it, another agrees."""
        with self.db.transaction() as tx:
            number, _ = proposals.propose(
                tx, reference, action, SCHEDULE, reason="seen", by=self.someone(1), **given
            )
        with self.db.transaction() as tx:
            proposals.approve(tx, number, SCHEDULE, by=self.someone(2))

    def someone(self, number: int) -> Actor:
        """The first or second member of staff."""
        with self.db.transaction() as tx:
            facts = {"email": f"staff{number}@sacco.example", "name": f"Staff {number}"}
            tx.execute(
                sa.text(
                    "INSERT INTO staff (email, name, role, password_hash, session_key) VALUES"
                    " (:email, :name, 'manager', '', gen_random_uuid()) ON CONFLICT DO NOTHING"
                ),
                facts,
            )
            staff_id = tx.scalar(sa.text("SELECT id FROM staff WHERE email = :email"), facts)
        return Actor("tests", staff_id=staff_id, name=facts["name"])


def _tariff(tx: Tx) -> None:
    with databases.owner_of(tx) as owner:
        prices.tariff(owner, [(50_00, 250_000_00, 18_00)], since=LONG_AGO)
        prices.excise(owner, 1500, since=LONG_AGO)
        prices.limits(owner, since=LONG_AGO)
