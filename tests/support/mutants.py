"""Proof that a property can fail: with the rule that it guards taken out, it must."""

from collections.abc import Callable

import pytest
from hypothesis import Phase, errors, settings

SEARCH = settings(
    max_examples=500,
    phases=[Phase.explicit, Phase.generate],
    derandomize=True,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
)
"""A counterexample is looked for, the same way every time, and not made small."""


def must_fail(patch: pytest.MonkeyPatch, law: Callable[[], None]) -> None:
    """Insist that a property finds a counterexample.

    Raises:
        pytest.fail.Exception: it holds without its rule, so it guards nothing.
    """
    # A test keeps the settings that it was decorated under; there is no public way to others.
    patch.setattr(law, "_hypothesis_internal_use_settings", SEARCH)
    try:
        law()
    except errors.Flaky:
        # What differs from run to run has no counterexample that stands still.
        return
    except errors.HypothesisException:
        raise
    except (Exception, pytest.fail.Exception):  # noqa: BLE001 - a crash is one like any other
        return
    pytest.fail("the property holds although its rule was taken out")
