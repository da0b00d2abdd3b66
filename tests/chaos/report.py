"""What a run saw, for people and for programs, kept in files as soon as it is known."""

import json
from dataclasses import asdict
from pathlib import Path

from tests.chaos.run import Report


def save(found: Report, folder: Path) -> None:
    """Keep both forms, the plain facts first: a run takes long to repeat."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(as_json(found), "utf-8")
    (folder / "report.txt").write_text(text(found), "utf-8")


def text(found: Report) -> str:
    """The report for people."""
    verdict = found.verdict
    lines = [
        f"seed {found.plans.seed}, {found.seconds:.0f} s, {sum(verdict.states.values())} payouts",
        "",
        "taken in        " + _listed(found.taken),
        "ended as        " + _listed(verdict.states),
        "faults          " + (_listed(found.faults) or "none but M-PESA's own"),
        "faults missed   " + (_listed(found.faults_missed) or "none"),
        "failpoints      " + (_listed(found.failpoints) or "none struck"),
        f"sessions lost   {found.lost_signals}",
        f"need a person   {_listed(verdict.need_a_person)}",
        "",
        f"M-PESA paid {verdict.paid_times} times; {found.snapshots} snapshots of the books agreed",
        (f"slowest recovery {found.slowest_recovery[0]:.1f} s, after {found.slowest_recovery[1]}"),
        (
            f"refusal heard to savings restored: p50 {verdict.restored_p50_s:.2f} s,"
            f" p99 {verdict.restored_p99_s:.2f} s, {verdict.reversed_count} reversed"
        ),
    ]
    if found.carried_on_after_s is not None:
        lines.append(
            f"everything killed with {found.in_flight_when_killed} in flight: work went on"
            f" {found.carried_on_after_s:.1f} s after the restart"
        )
    lines += ["", *(f"VIOLATION: {one}" for one in verdict.violations), *found.stories]
    lines += [f"{len(verdict.violations)} violations. Again: {found.plans.replay}"]
    return "\n".join(lines)


def as_json(found: Report) -> str:
    """All of it."""
    return json.dumps(asdict(found), indent=2, default=lambda fault: fault.__name__)


def _listed(counted: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counted.items()))
