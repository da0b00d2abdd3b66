"""Charts as plain SVG from the server: they need no script, print well, and can be read aloud.

Each has its table beside it, which holds the figures; the picture only shows their shape.
"""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 960, 260, 88, 24, 16


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a stacked bar."""

    x: float
    y: float
    width: float
    height: float
    kind: int
    """Which of the stacked series, from 0."""


@dataclass(frozen=True, slots=True)
class Chart:
    """What a template needs to draw one."""

    bars: tuple[Bar, ...]
    lines: tuple[str, ...]
    """Points of each line, as SVG wants them. A gap begins a new one."""
    kinds: tuple[int, ...]
    """Of the lines: which series, from 0."""
    marks: tuple[tuple[float, float], ...]
    """Height and value of each line of the grid."""

    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT


def stacked(columns: Sequence[Sequence[float]]) -> Chart:
    """Bars, each of which stacks the values of one column."""
    top = _nice(max((sum(one) for one in columns), default=0))
    step = (WIDTH - LEFT) / max(1, len(columns))
    bars = []
    for i, column in enumerate(columns):
        y = float(HEIGHT - BOTTOM)
        for kind, value in enumerate(column):
            height = value / top * (HEIGHT - BOTTOM - TOP)
            y -= height
            if height:
                x, width = LEFT + i * step + 1, max(1.0, step - 2)
                bars.append(Bar(_short(x), _short(y), _short(width), _short(height), kind))
    return Chart(tuple(bars), (), (), _marks(top))


def lines(series: Sequence[Sequence[float | None]]) -> Chart:
    """Lines over the same columns. Where nothing is known a line has a gap."""
    top = _nice(max((v for one in series for v in one if v is not None), default=0))
    found, kinds = [], []
    for kind, values in enumerate(series):
        step = (WIDTH - LEFT) / max(1, len(values) - 1)
        for piece in _pieces(values):
            points = [
                f"{LEFT + i * step:.1f},{HEIGHT - BOTTOM - v / top * (HEIGHT - BOTTOM - TOP):.1f}"
                for i, v in piece
            ]
            # A lone point would not show: it becomes a short dash.
            found.append(" ".join(points if len(points) > 1 else points * 2))
            kinds.append(kind)
    return Chart((), tuple(found), tuple(kinds), _marks(top))


def _pieces(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    pieces: list[list[tuple[int, float]]] = [[]]
    for i, value in enumerate(values):
        if value is not None:
            pieces[-1].append((i, value))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


def _short(value: float) -> float:
    """A tenth of a pixel is fine enough, and short."""
    return round(value, 1)


def _nice(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50 … so that the grid has round numbers."""
    size = 1.0
    while size * 10 < value:
        size *= 10
    return next(size * n for n in (1, 2, 5, 10) if size * n >= value)


def _marks(top: float) -> tuple[tuple[float, float], ...]:
    room = HEIGHT - BOTTOM - TOP
    return tuple((round(HEIGHT - BOTTOM - part * room, 1), top * part) for part in (0, 0.5, 1))
