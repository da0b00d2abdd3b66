"""Rules broken on purpose: the run that passes with the right ones fails with each of these."""

import pytest

from tests.chaos import wrong_rules
from tests.chaos.run import run, telling

SIGNS = {
    "timeout_is_no": "although M-PESA paid it",
    "not_found_is_no": "although M-PESA paid it",
    "callback_is_enough": "was given back before M-PESA paid it",
    "new_id_per_call": "which Baraza never wrote down",
    "refusal_is_open": "is still",
}
"""By what each of them must show."""


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_the_same_run_with_the_rules_as_they_are_passes() -> None:
    """Without it, failing would prove nothing."""
    assert run(telling(None)).verdict.violations == []


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("rule", wrong_rules.NAMES)
def test_a_run_with_a_broken_rule_fails(rule: str) -> None:
    """By what M-PESA paid, or by payouts that do not end."""
    found = run(telling(rule))
    assert any(SIGNS[rule] in told for told in found.verdict.violations)
