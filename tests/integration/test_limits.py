"""What members may draw: by the amount, the day, the SACCO's ceilings, and after a change."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from app.db import Database
from app.payouts import intake, limit_book, limits, quotes
from app.payouts.intake import NotAccepted, Reason, Requested
from app.payouts.limits import Limits, NoLimits, Range
from app.payouts.quiet import QuietHours
from tests.support import prices
from tests.support.stories import Person, Stories

SINCE = date(2026, 2, 1)
"""After Stories' own limits, which are generous."""
NIGHT = {"night_from": "20:00", "night_to": "06:00"}
ALWAYS_QUIET = {"night_from": "00:00", "night_to": "00:00"}
NOON = datetime(2026, 6, 10, 9, tzinfo=UTC)
"""A Wednesday, noon in Nairobi."""
MIDNIGHT = datetime(2026, 6, 10, 21, tzinfo=UTC)
"""The end of that day there."""


@pytest.fixture
def stories(db: Database, redis_url: str) -> Stories:
    return Stories(db, redis_url)


def set_limits(stories: Stories, **columns: Any) -> None:
    """Limits in force since February; what is not named is Stories' own."""
    with stories.db.transaction() as tx:
        prices.limits(tx, since=SINCE, **columns)


def withdraw(stories: Stories, person: Person, cents: int) -> Requested | NotAccepted:
    """A quote and its confirmation."""
    with stories.db.transaction() as tx:
        made = quotes.make(
            tx,
            session_id=f"ATUid_{person.id}_{cents}",
            transcript_mac=b"m" * 32,
            member_id=person.id,
            account_id=person.account,
            amount_cents=cents,
        )
        return intake.request(tx, quote_id=made.id, notice_after_s=120)


def refusal(stories: Stories, person: Person, cents: int, at: datetime) -> Reason | None:
    """What the limits say at a moment."""
    with stories.db.transaction() as tx:
        return limits.refusal(tx, member_id=person.id, amount_cents=cents, at=at)


def about(stories: Stories, person: Person, change: str) -> None:
    """Change a member."""
    with stories.db.transaction() as tx:
        tx.execute(
            sa.text(f"UPDATE member SET {change} WHERE id = :id"),  # noqa: S608 - the tests' own
            {"id": person.id},
        )


# -- which limits hold -----------------------------------------------------------------------------


def test_the_limits_in_force_are_the_newest_that_have_begun(stories: Stories) -> None:
    """A correction of today is one more row of today."""
    with stories.db.transaction() as tx:
        for since, low in ((1, 900), (0, 600), (0, 700), (-1, 500)):
            prices.limits(tx, minimum=low, maximum=2000, daily=3000, since=since)
        assert 700 == limits.in_force(tx).minimum_cents
        assert Range(700, 2000) == limits.shown(tx)


def test_every_column_comes_back_as_it_was_set(stories: Stories, owner_db: Database) -> None:
    """None is lost on the way to the row and back."""
    wanted = Limits(
        minimum_cents=101_00,
        maximum_cents=900_00,
        daily_cents=1_000_00,
        sacco_hourly_cents=2_000_00,
        sacco_daily_cents=3_000_00,
        quiet=QuietHours(time(20), time(6, 30), holidays=True, before_long_weekend_hours=11),
        quiet_maximum_cents=400_00,
        quiet_sacco_hourly_cents=1_900_00,
        after_change_wait_hours=12,
        after_change_low_hours=13,
        after_change_maximum_cents=200_00,
        after_change_daily_cents=300_00,
    )
    with owner_db.transaction() as tx:
        limit_book.add(tx, wanted, since=SINCE)
    with stories.db.transaction() as tx:
        assert wanted == limits.in_force(tx)
        assert [wanted] == [e.limits for e in limit_book.history(tx) if e.effective_from == SINCE]


def test_without_limits_nothing_is_drawn(db: Database) -> None:
    """Not even before the first are set is there a default."""
    with db.transaction() as tx:
        for ask in (limits.in_force, limits.shown):
            with pytest.raises(NoLimits):
                ask(tx)


def test_the_application_cannot_set_prices_or_limits(stories: Stories) -> None:
    """Whoever steals its login cannot lift a limit, forge a price, or change one that was."""
    attempts = (
        "INSERT INTO withdrawal_limit (effective_from) VALUES ('2026-01-01')",
        "INSERT INTO tariff (effective_from) VALUES ('2026-01-01')",
        "INSERT INTO tariff_band SELECT 1, 2, 0, id FROM tariff",
        "INSERT INTO excise_rate (effective_from, basis_points) VALUES ('2026-01-01', 0)",
        "UPDATE withdrawal_limit SET maximum_cents = 1000000000",
        "DELETE FROM excise_rate",
    )
    for attempt in attempts:
        refused = pytest.raises(sa.exc.ProgrammingError, match="permission denied")
        with refused, stories.db.transaction() as tx:
            tx.execute(sa.text(attempt))


def test_not_even_the_owner_changes_what_was(stories: Stories, owner_db: Database) -> None:
    for table in ("tariff", "tariff_band", "excise_rate", "withdrawal_limit"):
        refused = pytest.raises(sa.exc.DBAPIError, match="append-only")
        with refused, owner_db.transaction() as tx:
            tx.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608 - constants
    assert "requested" == stories.state(stories.requested())


# -- one withdrawal, one day, in day and quiet profile --------------------------------------------


def test_the_maximum_is_checked_once_more_after_the_pin(stories: Stories) -> None:
    """It was lowered between the amount screen and the PIN."""
    person = stories.person()
    set_limits(stories, maximum=1_000_00)
    assert NotAccepted(Reason.OVER_MAXIMUM) == withdraw(stories, person, 1_001_00)
    assert isinstance(withdraw(stories, person, 1_000_00), Requested)


def test_in_quiet_hours_the_quiet_maximum_holds(stories: Stories) -> None:
    """On the amount screen and after the PIN alike."""
    person = stories.person()
    set_limits(stories, **ALWAYS_QUIET, quiet_maximum_cents=800_00)
    with stories.db.transaction() as tx:
        assert Range(50_00, 800_00) == limits.shown(tx)
    assert NotAccepted(Reason.OVER_MAXIMUM) == withdraw(stories, person, 900_00)
    assert isinstance(withdraw(stories, person, 800_00), Requested)


def test_by_day_the_quiet_maximum_does_not_hold(stories: Stories) -> None:
    person = stories.person()
    set_limits(stories, **NIGHT, quiet_maximum_cents=800_00)
    assert None is refusal(stories, person, 900_00, NOON)
    assert Reason.OVER_MAXIMUM is refusal(stories, person, 900_00, MIDNIGHT)


def test_a_quiet_maximum_never_lifts_the_ordinary_one(stories: Stories) -> None:
    set_limits(stories, maximum=700_00, **ALWAYS_QUIET, quiet_maximum_cents=900_00)
    with stories.db.transaction() as tx:
        assert Range(50_00, 700_00) == limits.shown(tx)


def test_holidays_of_the_table_are_quiet(stories: Stories) -> None:
    """And the hours before a long weekend, which reach into its days."""
    person = stories.person()
    set_limits(
        stories, quiet_holidays=True, before_long_weekend_hours=12, quiet_maximum_cents=800_00
    )
    with stories.db.transaction() as tx:
        tx.execute(
            sa.text(
                "INSERT INTO public_holiday VALUES ('2026-06-10', 'Election', 'added'),"
                " ('2026-06-19', 'Long weekend', 'added')"
            )
        )
    expected = {
        NOON: Reason.OVER_MAXIMUM,
        NOON - timedelta(days=1): None,
        datetime(2026, 6, 18, 8, 59, tzinfo=UTC): None,
        datetime(2026, 6, 18, 9, 0, tzinfo=UTC): Reason.OVER_MAXIMUM,
    }
    assert expected == {at: refusal(stories, person, 900_00, at) for at in expected}


@pytest.mark.parametrize("change", ["status = 'dormant'", "status = 'court_lien'",
                                    "mandate = 'joint'"])  # fmt: skip
def test_standing_and_mandate_are_checked_after_the_pin(stories: Stories, change: str) -> None:
    """They may have changed since the session began."""
    person = stories.person()
    about(stories, person, change)
    assert NotAccepted(Reason.NOT_ALLOWED) == withdraw(stories, person, 100_00)


def test_a_phone_that_staff_locked_draws_nothing(stories: Stories) -> None:
    person = stories.person()
    about(stories, person, "phone_locked_at = now(), phone_lock_reason = 'stolen'")
    assert NotAccepted(Reason.NOT_ALLOWED) == withdraw(stories, person, 100_00)


def test_an_account_that_cannot_be_drawn_on_is_not(stories: Stories, owner_db: Database) -> None:
    """Deposits and shares stay where they are, whatever a quote says."""
    person = stories.person()
    with owner_db.transaction() as tx:
        tx.execute(sa.text("UPDATE member_account SET withdrawable = false"))
    assert NotAccepted(Reason.NOT_ALLOWED) == withdraw(stories, person, 100_00)


# -- all members together --------------------------------------------------------------------------


def test_the_saccos_hour_holds_for_all_members_together(
    stories: Stories, owner_db: Database
) -> None:
    """It may be reached, not passed; and an hour later there is room again."""
    set_limits(stories, maximum=1_500_00, sacco_hourly_cents=2_000_00)
    first, second, third = (stories.person() for _ in range(3))
    assert isinstance(withdraw(stories, first, 1_500_00), Requested)
    assert NotAccepted(Reason.SACCO_LIMIT) == withdraw(stories, second, 501_00)
    assert isinstance(withdraw(stories, second, 500_00), Requested)
    assert NotAccepted(Reason.SACCO_LIMIT) == withdraw(stories, third, 100_00)
    with owner_db.transaction() as tx:
        tx.execute(sa.text("SET LOCAL session_replication_role = replica"))
        tx.execute(sa.text("UPDATE payout SET requested_at = now() - interval '61 min'"))
    assert isinstance(withdraw(stories, third, 100_00), Requested)


def test_the_saccos_day_is_nairobis(stories: Stories, owner_db: Database) -> None:
    set_limits(stories, maximum=1_500_00, sacco_daily_cents=2_000_00)
    stories.requested()
    other = stories.person()
    assert NotAccepted(Reason.SACCO_LIMIT) == withdraw(stories, other, 501_00)
    with owner_db.transaction() as tx:
        tx.execute(sa.text("SET LOCAL session_replication_role = replica"))
        tx.execute(
            sa.text(
                "UPDATE payout SET requested_at ="
                " date_trunc('day', now(), 'Africa/Nairobi') - interval '1 s'"
            )
        )
    assert isinstance(withdraw(stories, other, 501_00), Requested)


@pytest.mark.parametrize("ended", [Stories.declined, Stories.reversed, Stories.cancelled])
def test_what_was_given_back_leaves_room_for_others(
    stories: Stories, ended: Callable[[Stories], str]
) -> None:
    ended(stories)
    set_limits(stories, maximum=2_000_00, sacco_hourly_cents=2_000_00)
    assert isinstance(withdraw(stories, stories.person(), 2_000_00), Requested)


def test_in_quiet_hours_the_saccos_hour_is_smaller(stories: Stories) -> None:
    person = stories.person()
    set_limits(stories, **NIGHT, sacco_hourly_cents=9_000_00, quiet_sacco_hourly_cents=1_000_00)
    assert None is refusal(stories, person, 1_500_00, NOON)
    assert Reason.SACCO_LIMIT is refusal(stories, person, 1_500_00, MIDNIGHT)


def test_two_at_once_do_not_both_fit_into_room_for_one(stories: Stories) -> None:
    """Each sees the withdrawals that were taken in before its own."""
    set_limits(stories, maximum=2_000_00, daily=2_000_00, sacco_hourly_cents=2_000_00)
    people = [stories.person() for _ in range(4)]
    gate = Barrier(len(people))

    def one(person: Person) -> Requested | NotAccepted:
        gate.wait(10)
        return withdraw(stories, person, 1_500_00)

    with ThreadPoolExecutor(len(people)) as pool:
        answers = list(pool.map(one, people))
    assert 3 == answers.count(NotAccepted(Reason.SACCO_LIMIT))


# -- after a PIN reset or a change of number -------------------------------------------------------


@pytest.mark.parametrize("changed", ["pin_reset_at", "number_changed_at"])
def test_after_a_change_first_nothing_then_little(stories: Stories, changed: str) -> None:
    """A thief who got so far gets little; the member herself is back after three days."""
    person = stories.person()
    set_limits(
        stories,
        after_change_wait_hours=24,
        after_change_low_hours=72,
        after_change_maximum_cents=5_000_00,
        after_change_daily_cents=8_000_00,
    )
    about(stories, person, f"{changed} = '2026-06-10 09:00+00'")
    second = timedelta(seconds=1)
    expected = {
        (24 * 3600 - 1, 100_00): Reason.COOLING_OFF,
        (24 * 3600, 100_00): None,
        (24 * 3600, 5_000_00): None,
        (24 * 3600, 5_001_00): Reason.LOW_LIMIT,
        (72 * 3600 - 1, 5_001_00): Reason.LOW_LIMIT,
        (72 * 3600, 5_001_00): None,
    }
    assert expected == {
        (passed, cents): refusal(stories, person, cents, NOON + passed * second)
        for passed, cents in expected
    }


def test_after_a_change_the_day_is_small_too(stories: Stories) -> None:
    """Several small ones are no way around it."""
    set_limits(stories, after_change_low_hours=72, after_change_daily_cents=2_000_00)
    reference = stories.paid()
    stories.write("UPDATE member SET pin_reset_at = now() - interval '1 h'", reference)
    with stories.db.transaction() as tx:
        row = tx.execute(sa.text("SELECT member_id, account_id, msisdn FROM payout")).one()
    person = Person(*row)
    assert NotAccepted(Reason.LOW_LIMIT) == withdraw(stories, person, 501_00)
    assert isinstance(withdraw(stories, person, 500_00), Requested)


def test_the_later_of_two_changes_counts(stories: Stories) -> None:
    person = stories.person()
    set_limits(stories, after_change_wait_hours=24)
    about(
        stories,
        person,
        "pin_reset_at = '2026-06-01 09:00+00', number_changed_at = '2026-06-10 08:00+00'",
    )
    assert Reason.COOLING_OFF is refusal(stories, person, 100_00, NOON)
