"""Plots as SVG text: bars, distributions and lines, readable in light and dark and on paper."""

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup

WIDTH, BAR, LABEL, RIGHT = 720, 26, 250, 90
HEIGHT, LEFT, BOTTOM, TOP = 260, 64, 40, 12
COLOURS = 6
LOG_FROM = 60
"""A largest bar so many times the smallest makes the scale logarithmic."""
TICKS = 5


def bars(values: Mapping[str, Sequence[float]], *, title: str) -> Markup:
    """A bar for each name, as long as the median of its values; each value is a dot."""
    shown = {name: sorted(seen) for name, seen in values.items() if seen}
    if not shown:
        return Markup("")
    middles = {name: seen[len(seen) // 2] for name, seen in shown.items()}
    largest = max(max(seen) for seen in shown.values()) or 1.0
    positive = [v for v in middles.values() if v > 0]
    logarithmic = bool(positive) and max(positive) / min(positive) > LOG_FROM
    floor = min(positive) / 3 if logarithmic else 0.0

    def along(value: float) -> float:
        room = WIDTH - LABEL - RIGHT
        if logarithmic:
            part = math.log(max(value, floor) / floor) / math.log(largest / floor)
        else:
            part = value / largest
        return LABEL + room * max(0.0, part)

    height = TOP + BAR * len(shown) + (18 if logarithmic else 4)
    parts = []
    for n, (name, seen) in enumerate(shown.items()):
        y = TOP + BAR * n
        middle = along(middles[name])
        parts.append(
            Markup(
                '<text x="{}" y="{}" class="name">{}</text>'
                '<rect x="{}" y="{}" width="{:.1f}" height="{}" class="bar"/>'
                '<text x="{:.1f}" y="{}" class="value">{}</text>'
            ).format(
                LABEL - 8,
                y + 16,
                name,
                LABEL,
                y + 4,
                middle - LABEL,
                BAR - 10,
                along(max(seen)) + 8,
                y + 16,
                number(middles[name]),
            )
        )
        parts += [
            Markup('<circle cx="{:.1f}" cy="{}" r="3" class="dot"/>').format(
                along(v), y + BAR / 2 - 1
            )
            for v in seen
        ]
    if logarithmic:
        parts.append(
            Markup('<text x="{}" y="{}" class="note">logarithmic scale</text>').format(
                LABEL, height - 2
            )
        )
    return _svg(height, title, parts)


def distributions(series: Mapping[str, Sequence[float]], *, title: str, unit: str) -> Markup:
    """How many percent were at most so much: one line for each name, on a logarithmic axis."""
    shown = {name: sorted(v for v in seen if v > 0) for name, seen in series.items()}
    shown = {name: seen for name, seen in shown.items() if seen}
    if not shown:
        return Markup("")
    low = min(seen[0] for seen in shown.values())
    high = max(seen[-1] for seen in shown.values())
    high = high if high > low else low * 2

    def x(value: float) -> float:
        return LEFT + (WIDTH - LEFT - 20) * math.log(value / low) / math.log(high / low)

    def y(part: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - part)

    parts = [_axis(y(p / 100), f"{p} %") for p in (0, 25, 50, 75, 99)]
    parts += [_tick(x(v), number(v)) for v in _log_ticks(low, high)]
    parts.append(_unit(unit))
    for n, (name, seen) in enumerate(shown.items()):
        points = [(x(seen[i]), y((i + 1) / len(seen))) for i in _places(len(seen))]
        parts += [_line(points, n), _legend(name, n)]
    return _svg(HEIGHT + 18 * len(shown), title, parts)


def lines(
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, title: str, unit: str
) -> Markup:
    """Values over what they depend on, such as seconds: one line for each name."""
    shown = {name: pair for name, pair in series.items() if pair[0]}
    if not shown:
        return Markup("")
    x_max = max(max(xs) for xs, _ in shown.values()) or 1.0
    y_max = max(max(ys) for _, ys in shown.values()) or 1.0

    def x(value: float) -> float:
        return LEFT + (WIDTH - LEFT - 20) * value / x_max

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / y_max)

    steps = [i / (TICKS - 1) for i in range(TICKS)]
    parts = [_axis(y(p * y_max), number(p * y_max)) for p in steps]
    parts += [_tick(x(p * x_max), number(p * x_max)) for p in steps]
    parts.append(_unit(unit))
    for n, (name, (xs, ys)) in enumerate(shown.items()):
        points = [(x(a), y(b)) for a, b in zip(xs, ys, strict=True)]
        parts += [_line(points, n), _legend(name, n)]
    return _svg(HEIGHT + 18 * len(shown), title, parts)


def number(value: float) -> str:
    """A figure with three digits that count."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{round(value, digits):,.{min(digits, 3)}f}"


def _places(count: int) -> list[int]:
    """At most some hundred places in so many values, the first and the last among them."""
    step = max(1, count // 200)
    return sorted({*range(0, count, step), count - 1})


def _log_ticks(low: float, high: float) -> list[float]:
    ticks = [
        m * 10.0**e
        for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for m in (1, 2, 5)
    ]
    return [tick for tick in ticks if low <= tick <= high]


def _axis(y: float, label: str) -> Markup:
    return Markup(
        '<line x1="{}" y1="{:.1f}" x2="{}" y2="{:.1f}" class="grid"/>'
        '<text x="{}" y="{:.1f}" class="tick">{}</text>'
    ).format(LEFT, y, WIDTH - 20, y, LEFT - 6, y + 4, label)


def _tick(x: float, label: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{}" class="under">{}</text>').format(
        x, HEIGHT - BOTTOM + 16, label
    )


def _unit(unit: str) -> Markup:
    return Markup('<text x="{}" y="{}" class="under">{}</text>').format(
        (LEFT + WIDTH - 20) / 2, HEIGHT - BOTTOM + 32, unit
    )


def _line(points: Sequence[tuple[float, float]], n: int) -> Markup:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return Markup('<polyline points="{}" class="line c{}"/>').format(path, n % COLOURS)


def _legend(name: str, n: int) -> Markup:
    y = HEIGHT + 12 + 18 * n
    return Markup(
        '<line x1="{}" y1="{}" x2="{}" y2="{}" class="line c{}"/><text x="{}" y="{}">{}</text>'
    ).format(LEFT, y - 4, LEFT + 24, y - 4, n % COLOURS, LEFT + 32, y, name)


def _svg(height: float, title: str, parts: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>{}</svg>'
    ).format(WIDTH, height, title, title, Markup("").join(parts))
