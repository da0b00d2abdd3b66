"""The short form of `make chaos`: members withdraw while things are killed, forged and lost."""

import json
from pathlib import Path

import pytest

from tests.chaos import report
from tests.chaos.faults import (
    empty_redis,
    expire_token,
    forge_failure,
    kill_worker,
    provider_trouble,
    status_trouble,
    stop_postgres,
)
from tests.chaos.run import Plans, run

SHORT = Plans(
    payouts=40,
    members=40,
    threads=6,
    seed=2025,
    fault_every_s=1.5,
    faults=(
        kill_worker, stop_postgres, empty_redis, forge_failure, provider_trouble, status_trouble,
        expire_token,
    ),
    kills_everything=True,
)  # fmt: skip
CARRIES_ON_WITHIN_S = 10


@pytest.mark.timeout(400)
def test_nothing_is_lost_made_or_paid_twice_whatever_fails(tmp_path: Path) -> None:
    """By Baraza's rules, by M-PESA's own record and by the texts that members got."""
    found = run(SHORT)
    assert found.verdict.violations == []
    report.save(found, tmp_path)
    assert "0 violations. Again: make chaos" in (tmp_path / "report.txt").read_text("utf-8")
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["verdict"]["paid_times"] > 0
    assert found.snapshots > 0
    assert sum(found.faults.values()) > 0
    assert found.carried_on_after_s is not None
    assert found.carried_on_after_s < CARRIES_ON_WITHIN_S
