"""What happened to a payout as a picture: its lanes under one clock, drawn on the server.

Moments are seldom evenly spread: a payout takes two seconds, or two seconds and a day. So gaps
grow with their logarithm; the picture shows what came before what, the table below it how long.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.operations.story import Happened, Lane

WIDTH, LANE_HEIGHT, LEFT, RIGHT, TOP = 1000, 44, 124, 24, 14
DOT_GAP = 22
"""Dots of one lane keep this distance, so that each can be read."""


@dataclass(frozen=True, slots=True)
class Dot:
    """One thing that happened, at its place in the picture."""

    n: int
    """Its line in the table."""
    x: int
    y: int
    what: str
    lane: Lane


@dataclass(frozen=True, slots=True)
class Picture:
    """All of it."""

    width: int
    height: int
    lanes: tuple[tuple[Lane, int], ...]
    """Each lane and the height at which it runs."""
    dots: tuple[Dot, ...]


def drawn(timeline: Sequence[Happened]) -> Picture:
    """The picture of a timeline, which is in order."""
    used = [lane for lane in Lane if any(one.lane is lane for one in timeline)]
    heights = {lane: TOP + LANE_HEIGHT // 2 + i * LANE_HEIGHT for i, lane in enumerate(used)}
    places = _places(timeline)
    widest = max([WIDTH, *(x + RIGHT for x in places)])
    dots = [
        Dot(n, x, heights[one.lane], one.what, one.lane)
        for n, (one, x) in enumerate(zip(timeline, places, strict=True), start=1)
    ]
    return Picture(widest, 2 * TOP + LANE_HEIGHT * len(used), tuple(heights.items()), tuple(dots))


def _places(timeline: Sequence[Happened]) -> list[int]:
    """Where each moment stands from the left."""
    if not timeline:
        return []
    gaps = [0.0] + [
        math.log1p((later.at - earlier.at).total_seconds()) for earlier, later in pairwise(timeline)
    ]
    room = WIDTH - LEFT - RIGHT - DOT_GAP * (len(timeline) - 1)
    scale = max(0.0, room) / (sum(gaps) or 1)
    places, x = [], float(LEFT)
    for n, gap in enumerate(gaps):
        x += gap * scale + (DOT_GAP if n else 0)
        places.append(round(x))
    return places
