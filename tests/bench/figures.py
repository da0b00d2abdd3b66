"""What one run of the bench found: plain numbers, kept as JSON, from which all is drawn.

A figure alone says little: machines differ, and this one is shared. So what is judged is the ratio
of two figures of one round, taken one right after the other; a round in which the machine itself
changed its speed is void.
"""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

YARDSTICK = "pgbench TPC-B"
ONCE = -1
"""The number of the round in which everything is that is measured once in a run."""
YARDSTICK_SPREAD_MAX = 0.30
"""A round whose yardstick moved by more than this part is void: the machine was another."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, measured once."""

    what: str
    """What was measured, with its unit: `payouts/s`, `hop p99 ms`."""
    who: str
    """Who did it: `Baraza`, `Celery`, `hello`."""
    value: float
    round: int = ONCE
    """Figures of one round may be divided by one another."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How fast the machine was at one moment of a round."""

    round: int
    load: float
    """Processes that wanted a processor, over the last minute (1-minute load average)."""
    tpcb_per_s: float
    """pgbench's TPC-B-like transactions a second on the run's PostgreSQL, two clients."""


@dataclass(frozen=True, slots=True)
class Series:
    """Many numbers of one kind, for a plot: latencies, or something over time."""

    what: str
    who: str
    ys: Sequence[float]
    xs: Sequence[float] = ()
    """Where they lie, such as seconds since the start or payouts in the database; empty: in no
    order."""


@dataclass(frozen=True, slots=True)
class Target:
    """One row of what is to be reached."""

    name: str
    of: tuple[str, str]
    """What and who stands above the line."""
    by: tuple[str, str] | None
    """What and who stands below it; None where the figure itself is judged."""
    at_least: float
    aim: float
    less_is_better: bool = False
    unit: str = "×"


@dataclass(frozen=True, slots=True)
class Judged:
    """A target and what was seen of it."""

    target: Target
    values: tuple[float, ...]
    """One for each round that counts, sorted."""

    @property
    def median(self) -> float | None:
        """The middle of the rounds; None where nothing was measured."""
        return statistics.median(self.values) if self.values else None

    @property
    def verdict(self) -> str:
        """`aim`, `reached`, `missed` or `not measured`."""
        found = self.median
        if found is None:
            return "not measured"
        sign = -1 if self.target.less_is_better else 1
        if sign * found >= sign * self.target.aim:
            return "aim"
        return "reached" if sign * found >= sign * self.target.at_least else "missed"


@dataclass(slots=True)
class Run:
    """Everything that one run of the bench saw."""

    machine: str
    """Processor, cores, memory, versions: one line."""
    begun: str
    """ISO 8601, UTC."""
    figures: list[Figure] = field(default_factory=list)
    calibrations: list[Calibration] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """Broken rules of the audit, payments that do not match, answers that were wrong. With one of
    these no figure counts."""
    notes: list[str] = field(default_factory=list)
    """What was left out, and why."""

    def add(self, what: str, who: str, value: float, *, round: int = ONCE) -> None:  # noqa: A002
        """Keep one number."""
        self.figures.append(Figure(what, who, value, round))

    @property
    def void_rounds(self) -> frozenset[int]:
        """The rounds during which the machine changed its speed."""
        rates: dict[int, list[float]] = {}
        for one in self.calibrations:
            rates.setdefault(one.round, []).append(one.tpcb_per_s)
        return frozenset(
            number
            for number, seen in rates.items()
            if max(seen) - min(seen) > YARDSTICK_SPREAD_MAX * max(seen)
        )

    def values(self, what: str, who: str) -> Mapping[int, float]:
        """A figure by round, void rounds left out. Measured twice in a round: the mean."""
        seen: dict[int, list[float]] = {}
        for one in self.figures:
            if (one.what, one.who) == (what, who) and one.round not in self.void_rounds:
                seen.setdefault(one.round, []).append(one.value)
        return {number: statistics.fmean(found) for number, found in seen.items()}

    def judged(self, target: Target) -> Judged:
        """A target with the ratios of each round that has both figures."""
        above = self.values(*target.of)
        if target.by is None:
            return Judged(target, tuple(sorted(above.values())))
        below = self.values(*target.by)
        both = sorted(above[number] / below[number] for number in above if below.get(number))
        return Judged(target, tuple(both))

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1), "utf-8")

    @classmethod
    def load(cls, path: Path) -> "Run":
        """Read it back."""
        kept = json.loads(path.read_text("utf-8"))
        return cls(
            machine=kept["machine"],
            begun=kept["begun"],
            figures=[Figure(**one) for one in kept["figures"]],
            calibrations=[Calibration(**one) for one in kept["calibrations"]],
            series=[Series(**one) for one in kept["series"]],
            faults=kept["faults"],
            notes=kept["notes"],
        )
