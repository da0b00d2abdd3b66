"""The core that decides about money is walked in every branch, by tests that need no server."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORE = "app/ledger/entries.py,app/payouts/evidence.py,app/payouts/states.py"
TESTS = ("ledger_entries", "ledger_builders", "evidence", "evidence_grounds", "states")


def test_every_branch_of_the_core_is_walked(tmp_path: Path) -> None:
    """A branch that no test takes is a rule that nobody has looked at."""
    data = f"--data-file={tmp_path / 'coverage'}"
    run = [sys.executable, "-m", "coverage"]
    tests = [f"tests/unit/test_{name}.py" for name in TESTS]
    subprocess.run(
        [*run, "run", "--branch", data, f"--include={CORE}", "-m", "pytest", "-q", *tests],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    report = subprocess.run(
        [*run, "report", data, "--fail-under=100", "--show-missing"],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert 0 == report.returncode, report.stdout + report.stderr
    assert all(name in report.stdout for name in CORE.split(","))
