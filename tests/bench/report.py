"""What a run found, for people: a table for the terminal and a page with its plots."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tests.bench import plots
from tests.bench.figures import Judged, Run
from tests.bench.targets import TARGETS

MARKS = {"aim": "★", "reached": "✓", "missed": "✗", "not measured": "·"}
TITLES = {
    "payouts/s": "Payouts a second, from the first debit to the last receipt",
    "processor ms per payout, all": "Processor milliseconds for each payout, everything together",
    "processor ms per payout": "Where Baraza's processor time goes, milliseconds for each payout",
    "memory, idle, MB": "Memory while idle, megabytes",
    "entries/s": "Ledger entries a second through every guard",
}
FOLDED = frozenset({"transactions/s"})
"""Figures whose plot would say nothing; they are in the table."""


def table(run: Run) -> str:
    """For the terminal: every target, then what is wrong and what was left out."""
    lines = [f"{run.begun}  {run.machine}", ""]
    lines += [f"FAULT: {fault}" for fault in run.faults]
    lines.append(f"{'':2} {'':66} {'median':>8} {'spread':>15} {'at least':>9} {'aim':>7}")
    for one in _judged(run):
        target = one.target
        lines.append(
            f"{MARKS[one.verdict]:2} {target.name:66} {_shown(one.median):>8} {_spread(one):>15}"
            f" {_limit(target.at_least, less=target.less_is_better):>9}"
            f" {_limit(target.aim, less=target.less_is_better):>7} {target.unit}"
        )
    lines += ["", f"{'figure':60} {'median':>12} {'least':>12} {'most':>12}"]
    for what, who, seen in _figures(run):
        name = f"{who}: {what}"
        lines.append(
            f"{name:60.60} {plots.number(seen[len(seen) // 2]):>12}"
            f" {plots.number(seen[0]):>12} {plots.number(seen[-1]):>12}"
        )
    lines += ["", *_void(run), *run.notes]
    return "\n".join(lines)


def write(run: Run, folder: Path) -> Path:
    """Write the page. Returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    judged = _judged(run)
    path = folder / "report.html"
    path.write_text(
        pages.get_template("report.html.j2").render(
            run=run,
            judged=[
                {
                    "name": one.target.name,
                    "unit": one.target.unit,
                    "median": _shown(one.median),
                    "spread": _spread(one),
                    "least": _limit(one.target.at_least, less=one.target.less_is_better),
                    "aim": _limit(one.target.aim, less=one.target.less_is_better),
                    "verdict": one.verdict,
                    "mark": MARKS[one.verdict],
                }
                for one in judged
            ],
            reached=sum(one.verdict in {"reached", "aim"} for one in judged),
            aimed=sum(one.verdict == "aim" for one in judged),
            plots=_plots(run),
            figures=[
                (what, who, *(plots.number(v) for v in (seen[len(seen) // 2], seen[0], seen[-1])))
                for what, who, seen in _figures(run)
            ],
            void=_void(run),
        ),
        "utf-8",
    )
    return path


def _judged(run: Run) -> list[Judged]:
    return [run.judged(target) for target in TARGETS]


def _plots(run: Run) -> list[tuple[str, Markup]]:
    """A title and a plot for each kind of figure and of series."""
    drawn = []
    kinds: dict[str, dict[str, Sequence[float]]] = {}
    for what, who, seen in _figures(run):
        kinds.setdefault(what, {})[who] = seen
    for what, whose in kinds.items():
        if what not in FOLDED and (len(whose) > 1 or what in TITLES):
            title = TITLES.get(what, what[:1].upper() + what[1:])
            drawn.append((title, plots.bars(_largest_first(whose), title=title)))
    found: dict[str, dict[str, tuple[Sequence[float], Sequence[float]]]] = {}
    for one in run.series:
        found.setdefault(one.what, {})[one.who] = (one.xs, one.ys)
    for what, series in found.items():
        title = what[:1].upper() + what[1:]
        if any(xs for xs, _ in series.values()):
            drawn.append((title, plots.lines(series, title=title, unit="seconds since the start")))
        else:
            values = {who: ys for who, (_, ys) in series.items()}
            drawn.append((title, plots.distributions(values, title=title, unit="milliseconds")))
    return drawn


def _largest_first(whose: Mapping[str, Sequence[float]]) -> dict[str, Sequence[float]]:
    return dict(sorted(whose.items(), key=lambda pair: -pair[1][len(pair[1]) // 2]))


def _figures(run: Run) -> list[tuple[str, str, list[float]]]:
    keys = dict.fromkeys((one.what, one.who) for one in run.figures)
    found = [(what, who, sorted(run.values(what, who).values())) for what, who in keys]
    return [(what, who, seen) for what, who, seen in found if seen]


def _void(run: Run) -> list[str]:
    return [
        f"round {number + 1} is void: the machine changed its speed meanwhile"
        for number in sorted(run.void_rounds)
    ]


def _shown(value: float | None) -> str:
    return "-" if value is None else plots.number(value)


def _spread(one: Judged) -> str:
    if not one.values:
        return ""
    return f"{plots.number(one.values[0])} to {plots.number(one.values[-1])}"


def _limit(value: float, *, less: bool) -> str:
    return f"{'≤' if less else '≥'} {value:g}"
