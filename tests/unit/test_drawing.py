"""Charts and timelines: what is drawn is where it must be, and as large."""

import itertools
from datetime import UTC, datetime, timedelta

from app.operations.story import Happened, Lane
from app.staff.console import drawing, timeline

FLOOR = drawing.HEIGHT - drawing.BOTTOM


def test_bars_stand_on_each_other_and_on_the_floor() -> None:
    """Heights are in the proportion of the values; the grid has round numbers."""
    chart = drawing.stacked([(3, 1), (0, 2)])
    first, second, third = chart.bars
    assert (first.kind, second.kind, third.kind) == (0, 1, 1)
    assert first.y + first.height == FLOOR
    assert abs(second.y + second.height - first.y) < 0.2
    assert abs(first.height - 3 * second.height) < 0.5
    assert third.x > first.x
    assert [value for _, value in chart.marks] == [0, 2.5, 5]


def test_a_line_breaks_where_nothing_is_known() -> None:
    """A lone point is still seen."""
    chart = drawing.lines([[1, 2, None, 4], [None] * 4])
    assert len(chart.lines) == 2
    assert chart.kinds == (0, 0)
    assert len(chart.lines[1].split()) == 2


def test_nothing_at_all_can_be_drawn() -> None:
    assert drawing.stacked([]).bars == ()
    assert drawing.lines([[]]).lines == ()
    assert timeline.drawn([]).dots == ()


def test_what_came_later_stands_further_right_however_long_it_took() -> None:
    """A day and a millisecond: no dot covers another."""
    at = datetime(2026, 11, 23, 7, 15, tzinfo=UTC)
    after = (0, 0.001, 2, 86_400, 86_400.5)
    told = [Happened(at + timedelta(seconds=s), "state", "", Lane.BARAZA) for s in after]
    picture = timeline.drawn(told)
    places = [dot.x for dot in picture.dots]
    assert [dot.n for dot in picture.dots] == [1, 2, 3, 4, 5]
    assert all(right - left >= timeline.DOT_GAP for left, right in itertools.pairwise(places))
    assert max(places) < picture.width
    crowd = timeline.drawn([*told, *told[-1:] * 100])
    assert crowd.width > timeline.WIDTH
