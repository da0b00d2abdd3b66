"""What a bench run's numbers come to: ratios within a round, void rounds, verdicts, the page."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench import plots, report
from tests.bench.figures import Calibration, Figure, Run, Series, Target

TARGET = Target("speed", ("payouts/s", "us"), ("payouts/s", "them"), 4, 10)
SLOWER = Target("wait", ("ms", "us"), None, 10, 5, less_is_better=True, unit="ms")


def a_run(*figures: Figure) -> Run:
    at = datetime(2026, 1, 2, tzinfo=UTC).isoformat()
    return Run(machine="a machine", begun=at, figures=list(figures))


def test_only_figures_of_one_round_are_divided() -> None:
    run = a_run(
        Figure("payouts/s", "us", 100, 0),
        Figure("payouts/s", "them", 10, 0),
        Figure("payouts/s", "us", 300, 1),
        Figure("payouts/s", "them", 50, 1),
        Figure("payouts/s", "us", 999, 2),
    )
    assert (6.0, 10.0) == run.judged(TARGET).values


@pytest.mark.parametrize(
    ("ours", "verdict"), [(39, "missed"), (40, "reached"), (99, "reached"), (100, "aim")]
)
def test_more_is_judged_upwards(ours: float, verdict: str) -> None:
    run = a_run(Figure("payouts/s", "us", ours), Figure("payouts/s", "them", 10))
    assert verdict == run.judged(TARGET).verdict


@pytest.mark.parametrize(("ms", "verdict"), [(11, "missed"), (10, "reached"), (5, "aim")])
def test_less_is_judged_downwards(ms: float, verdict: str) -> None:
    assert verdict == a_run(Figure("ms", "us", ms)).judged(SLOWER).verdict


def test_what_was_not_measured_is_not_missed() -> None:
    assert "not measured" == a_run().judged(SLOWER).verdict


def test_a_round_whose_yardstick_moved_counts_for_nothing() -> None:
    run = a_run(Figure("ms", "us", 3, 0), Figure("ms", "us", 7, 1))
    run.calibrations += [
        Calibration(0, 0.1, 3000), Calibration(0, 0.1, 2000), Calibration(1, 0.1, 3000),
        Calibration(1, 0.1, 2200),
    ]  # fmt: skip
    assert {0} == run.void_rounds
    assert (7,) == run.judged(SLOWER).values


def test_it_is_read_back_as_it_was_kept(tmp_path: Path) -> None:
    run = a_run(Figure("ms", "us", 3.5, 1))
    run.calibrations.append(Calibration(1, 0.5, 2500))
    run.series.append(Series("a line", "us", [1, 2], [0.5, 1]))
    run.notes.append("left out")
    run.save(tmp_path / "deep" / "figures.json")
    assert run == Run.load(tmp_path / "deep" / "figures.json")


def test_names_from_outside_cannot_write_into_the_page(tmp_path: Path) -> None:
    run = a_run(Figure("payouts/s", "<script>alert(1)</script>", 3), Figure("payouts/s", "us", 4))
    run.faults.append("<b>broken</b>")
    run.series.append(Series("<i>late</i>", "<u>us</u>", [1.0, 2.0]))
    page = report.write(run, tmp_path).read_text("utf-8")
    for tag in ("<script>", "<b>broken", "<i>late", "<u>us"):
        assert tag not in page
    assert "No figure counts" in page


def test_a_run_without_figures_says_what_to_do(tmp_path: Path) -> None:
    assert "make bench" in report.write(a_run(), tmp_path).read_text("utf-8")
    assert "not measured" in (tmp_path / "report.html").read_text("utf-8")
    assert "speed" not in report.table(a_run())


def test_the_table_begins_with_what_is_broken() -> None:
    run = a_run(Figure("ms", "us", 3))
    run.faults.append("a rule does not hold")
    assert "FAULT: a rule does not hold" in report.table(run)


@given(st.lists(st.floats(1e-3, 1e9), min_size=1, max_size=300))
def test_plots_take_any_figures(values: list[float]) -> None:
    assert "<svg" in plots.bars({"a": values, "b": [1.0]}, title="t")
    assert "<svg" in plots.distributions({"a": values}, title="t", unit="ms")
    assert "nan" not in plots.lines({"a": (values, values)}, title="t", unit="s")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (0.0123, "0.012"), (1.234, "1.23"), (45.67, "45.7"), (1234.5, "1,234")],
)
def test_figures_have_three_digits_that_count(value: float, shown: str) -> None:
    assert shown == plots.number(value)
