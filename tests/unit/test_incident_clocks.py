"""Who must be told of an incident, and until when."""

from datetime import UTC, datetime, timedelta

import pytest

from app.operations.incident_clocks import Notice, Told, running

AWARE = datetime(2026, 11, 24, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("personal_data", "cbk_applies", "hours"),
    [
        (False, False, {Told.SASRA: 12}),
        (False, True, {Told.SASRA: 12, Told.CBK: 24}),
        (True, False, {Told.SASRA: 12, Told.CONTROLLER: 48, Told.ODPC: 72}),
        (True, True, {Told.SASRA: 12, Told.CBK: 24, Told.CONTROLLER: 48, Told.ODPC: 72}),
    ],
)
def test_what_is_concerned_says_which_clocks_run(
    personal_data: bool,  # noqa: FBT001 - a case of the table
    cbk_applies: bool,  # noqa: FBT001
    hours: dict[Told, int],
) -> None:
    found = running(AWARE, (), personal_data=personal_data, cbk_applies=cbk_applies)
    assert {one.clock.told: (one.due_at - AWARE) / timedelta(hours=1) for one in found} == hours
    assert [one.due_at for one in found] == sorted(one.due_at for one in found)


def test_a_clock_is_late_after_its_last_second() -> None:
    (sasra,) = running(AWARE, (), personal_data=False, cbk_applies=False)
    assert not sasra.is_late(sasra.due_at)
    assert sasra.is_late(sasra.due_at + SECOND)


def test_the_first_notice_stops_a_clock_for_good() -> None:
    """Whatever is sent after it, and whenever somebody looks."""
    due = AWARE + timedelta(hours=12)
    late = Notice(Told.SASRA, due + SECOND, "late", "a@sacco.example")
    early = Notice(Told.SASRA, due, "in time", "b@sacco.example")
    other = Notice(Told.ODPC, AWARE, "another clock's", "c@sacco.example")
    (sasra,) = running(AWARE, (late, early, other), personal_data=False, cbk_applies=False)
    assert sasra.notice == early
    assert not sasra.is_late(due + timedelta(days=400))
    (sasra,) = running(AWARE, (late,), personal_data=False, cbk_applies=False)
    assert sasra.is_late(AWARE)
