"""From a quote to a payout: once, one at a time, covered, and within the day's limit."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from app.db import Database
from app.errors import Broken
from app.payouts import intake, quotes
from app.payouts.intake import NotAccepted, OpenPayout, Reason, Requested
from tests.support import prices
from tests.support.stories import Person, Stories

FEE_AND_DUTY_CENTS = 20_70
"""Of Stories' tariff."""


@pytest.fixture
def stories(db: Database, redis_url: str) -> Stories:
    return Stories(db, redis_url)


def quote(stories: Stories, person: Person, cents: int) -> UUID:
    """A confirm screen was shown to this member, in a session of its own."""
    with stories.db.transaction() as tx:
        made = quotes.make(
            tx,
            session_id=f"ATUid_{uuid4()}",
            transcript_mac=b"m" * 32,
            member_id=person.id,
            account_id=person.account,
            amount_cents=cents,
        )
    return made.id


def request(stories: Stories, quote_id: UUID) -> Requested | NotAccepted:
    with stories.db.transaction() as tx:
        return intake.request(tx, quote_id=quote_id, notice_after_s=120)


def at_once(stories: Stories, quote_ids: list[UUID]) -> list[Requested | NotAccepted]:
    """All of these at the same moment, each over a connection of its own."""
    gate = Barrier(len(quote_ids))

    def one(quote_id: UUID) -> Requested | NotAccepted:
        with stories.db.transaction() as tx:
            tx.execute(sa.text("SELECT 1"))
            gate.wait(10)
            return intake.request(tx, quote_id=quote_id, notice_after_s=120)

    with ThreadPoolExecutor(len(quote_ids)) as pool:
        return list(pool.map(one, quote_ids))


def payouts(stories: Stories) -> int:
    with stories.db.transaction() as tx:
        return int(tx.scalar(sa.text("SELECT count(*) FROM payout")) or 0)


def test_a_payout_carries_what_was_quoted(stories: Stories) -> None:
    """And the member's number and language of the moment; nothing is taken yet."""
    person = stories.person(language="sw")
    quote_id = quote(stories, person, 1500_00)
    taken = request(stories, quote_id)
    assert isinstance(taken, Requested)
    with stories.db.transaction() as tx:
        row = tx.execute(
            sa.text(
                "SELECT reference, quote_id, member_id, account_id, msisdn, language, state,"
                " amount_cents, fee_cents, duty_cents, total_cents, version,"
                " work_due_at <= now() AS due, reserve_id <> resolve_id AS two_entries FROM payout"
            )
        ).one()
        open_one = intake.open_payout(tx, person.id)
    assert OpenPayout(taken.reference, "requested", 1500_00, can_cancel=True) == open_one
    assert (
        taken.reference, quote_id, person.id, person.account, person.msisdn, "sw", "requested",
        1500_00, 18_00, 2_70, 1520_70, 1, True, True,
    ) == tuple(row)  # fmt: skip


def test_a_repeat_finds_the_payout_that_the_quote_became(stories: Stories) -> None:
    """Also when it is over, and when the savings would not cover it a second time."""
    person = stories.person(cents=1500_00 + FEE_AND_DUTY_CENTS)
    quote_id = quote(stories, person, 1500_00)
    taken = request(stories, quote_id)
    assert taken == request(stories, quote_id)
    stories.debit()
    assert taken == request(stories, quote_id)
    assert 1 == payouts(stories)


def test_one_quote_from_six_sides_at_once_is_one_payout(stories: Stories) -> None:
    """A gateway that repeats itself."""
    stories.db.engine.dispose()
    quote_id = quote(stories, stories.person(), 1500_00)
    answers = at_once(stories, 5 * [quote_id])
    assert 1 == len(set(answers))
    assert isinstance(answers[0], Requested)
    assert 1 == payouts(stories)


def test_two_quotes_of_one_member_at_once_are_one_payout(stories: Stories) -> None:
    """Two sessions, two PINs: one wins, and the other is told that one is open."""
    person = stories.person()
    for _ in range(5):
        before = payouts(stories)
        answers = at_once(stories, [quote(stories, person, c) for c in (500_00, 700_00, 900_00)])
        taken = [a for a in answers if isinstance(a, Requested)]
        assert 1 == len(taken)
        assert 2 == answers.count(NotAccepted(Reason.ONE_OPEN))
        assert before + 1 == payouts(stories)
        end(stories, taken[0].reference)


def end(stories: Stories, reference: str) -> None:
    """M-PESA says no, so that the member may withdraw again."""
    stories.debit()
    stories.write("UPDATE payout SET state = 'submitting' WHERE reference = :reference", reference)
    stories.told(reference, "status", "definite_no", code="8")
    assert "reversed" == stories.state(reference)


@pytest.mark.parametrize("state", ["requested", "reserved", "submitting", "submitted", "in_doubt"])
def test_an_open_payout_is_the_only_one(stories: Stories, state: str) -> None:
    """Whatever is known of it, as long as it may still be paid."""
    made = {
        "requested": stories.requested,
        "reserved": stories.reserved,
        "submitting": stories.called,
        "submitted": stories.submitted,
        "in_doubt": stories.in_doubt,
    }
    reference = made[state]()
    with stories.db.transaction() as tx:
        member, account = tx.execute(sa.text("SELECT member_id, account_id FROM payout")).one()
        open_one = intake.open_payout(tx, member)
    unsent = state in {"requested", "reserved"}
    assert OpenPayout(reference, state, 1500_00, can_cancel=unsent) == open_one
    second = quote(stories, Person(member, account, ""), 500_00)
    assert NotAccepted(Reason.ONE_OPEN) == request(stories, second)
    assert 1 == payouts(stories)


@pytest.mark.parametrize("state", ["declined", "paid", "reversed", "recovery"])
def test_a_payout_that_has_ended_is_in_nobodys_way(stories: Stories, state: str) -> None:
    """A recovery too: it is the SACCO's matter, not hers."""
    made = {
        "declined": stories.declined,
        "paid": stories.paid,
        "reversed": stories.reversed,
        "recovery": stories.recovery,
    }
    made[state]()
    with stories.db.transaction() as tx:
        member, account = tx.execute(sa.text("SELECT member_id, account_id FROM payout")).one()
        assert intake.open_payout(tx, member) is None
        tx.execute(
            sa.text("SELECT ledger.release_lien(id) FROM ledger.lien WHERE account_id = :account"),
            {"account": account},
        )
    second = quote(stories, Person(member, account, ""), 500_00)
    assert isinstance(request(stories, second), Requested)


@pytest.mark.parametrize(("missing_cents", "accepted"), [(0, True), (1, False)])
def test_savings_must_cover_the_total_to_the_cent(
    stories: Stories, missing_cents: int, *, accepted: bool
) -> None:
    """Amount, fee and duty."""
    person = stories.person(cents=1500_00 + FEE_AND_DUTY_CENTS - missing_cents)
    answer = request(stories, quote(stories, person, 1500_00))
    assert accepted == isinstance(answer, Requested)
    assert accepted or NotAccepted(Reason.INSUFFICIENT) == answer
    assert int(accepted) == payouts(stories)


def test_what_a_lien_holds_is_not_there(stories: Stories) -> None:
    person = stories.person()
    with stories.db.transaction() as tx:
        tx.execute(
            sa.text("SELECT ledger.place_lien(:account, 4900000, 'a guarantee')"),
            {"account": person.account},
        )
    assert NotAccepted(Reason.INSUFFICIENT) == request(stories, quote(stories, person, 1000_00))


class TestDailyLimit:
    """KES 2,000 a day."""

    @pytest.fixture(autouse=True)
    def limit(self, db: Database, stories: Stories) -> None:
        """In force since February, after Stories' own."""
        with db.transaction() as tx:
            prices.limits(tx, maximum=2_000_00, daily=2_000_00, since=date(2026, 2, 1))

    @pytest.mark.parametrize(("cents", "accepted"), [(500_00, True), (501_00, False)])
    def test_what_was_paid_today_counts(
        self, stories: Stories, cents: int, *, accepted: bool
    ) -> None:
        """Its amount, without fee and duty; the limit itself may be reached."""
        stories.paid()
        answer = request(stories, quote(stories, the_member(stories), cents))
        assert accepted == isinstance(answer, Requested)
        assert accepted or NotAccepted(Reason.DAILY_LIMIT) == answer

    @pytest.mark.parametrize("state", ["declined", "reversed"])
    def test_what_was_not_paid_does_not_count(self, stories: Stories, state: str) -> None:
        """A refusal of ours or of M-PESA's costs the member nothing of her day."""
        getattr(stories, state)()
        with stories.db.transaction() as tx:
            tx.execute(sa.text("SELECT ledger.release_lien(id) FROM ledger.lien"))
        answer = request(stories, quote(stories, the_member(stories), 2000_00))
        assert isinstance(answer, Requested)

    def test_what_was_paid_after_all_counts(self, stories: Stories) -> None:
        """She has the money, although it was given back."""
        stories.recovery()
        answer = request(stories, quote(stories, the_member(stories), 501_00))
        assert NotAccepted(Reason.DAILY_LIMIT) == answer

    @pytest.mark.parametrize(("moment", "accepted"), [("", False), (" - interval '1 s'", True)])
    def test_a_day_is_nairobis(
        self, stories: Stories, owner_db: Database, moment: str, *, accepted: bool
    ) -> None:
        """From midnight there, three hours before UTC's."""
        stories.paid()
        midnight = "date_trunc('day', now(), 'Africa/Nairobi')"
        with owner_db.transaction() as tx:
            tx.execute(sa.text("SET LOCAL session_replication_role = replica"))
            tx.execute(sa.text(f"UPDATE payout SET requested_at = {midnight}{moment}"))  # noqa: S608
        answer = request(stories, quote(stories, the_member(stories), 2000_00))
        assert accepted == isinstance(answer, Requested)


def the_member(stories: Stories) -> Person:
    """The one whom the story was about."""
    with stories.db.transaction() as tx:
        row = tx.execute(sa.text("SELECT member_id, account_id, msisdn FROM payout")).one()
    return Person(*row)


def test_a_quote_that_nobody_made_is_no_withdrawal(stories: Stories) -> None:
    with pytest.raises(Broken):
        request(stories, uuid4())
    assert 0 == payouts(stories)
