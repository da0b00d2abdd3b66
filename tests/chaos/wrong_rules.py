"""Rules broken on purpose: a run that does not find them proves nothing.

`python -m tests.chaos.wrong_rules NAME worker` is `baraza worker` with one rule replaced. Baraza
itself knows nothing of this.
"""

import secrets
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from app.payouts import classify, evidence, pay
from app.payouts.evidence import Class
from app.providers import daraja
from app.providers.daraja_results import StatusSays


def timeout_is_no() -> None:
    """A call that was not answered is taken for a refusal."""
    pay.CLASS_OF[daraja.InDoubt] = (Class.DEFINITE_NO, "refused")


def not_found_is_no() -> None:
    """A status query's "does not exist" is taken for a refusal."""
    classify.SAYS[StatusSays.NOT_KNOWN_NOW] = Class.DEFINITE_NO


def callback_is_enough() -> None:
    """A failure callback gives the money back without a status answer that agrees."""
    weighed = evidence._refusal

    def broken(now: Any, told: Any) -> Any:
        refusal, _ = weighed(now, told)
        return refusal, True

    evidence._refusal = broken


def new_id_per_call() -> None:
    """Each call goes out under an id of its own."""
    made = pay.Pay._request

    def broken(self: pay.Pay, payout: Any) -> daraja.PayRequest:
        return replace(made(self, payout), ocid=secrets.token_hex(16))

    pay.Pay._request = broken  # type: ignore[method-assign]


def refusal_is_open() -> None:
    """A payout that M-PESA declined is taken for one that it is still at work on."""
    classify.SAYS[StatusSays.NOT_PAID] = Class.OPEN


RULES: dict[str, Callable[[], None]] = {
    rule.__name__: rule
    for rule in (
        timeout_is_no, not_found_is_no, callback_is_enough, new_id_per_call, refusal_is_open,
    )
}  # fmt: skip
NAMES = tuple(RULES)


def commands(name: str | None) -> dict[str, list[str]]:
    """What to start in place of `baraza worker`."""
    if name is None:
        return {}
    return {"worker": [sys.executable, "-m", "tests.chaos.wrong_rules", name, "worker"]}


if __name__ == "__main__":
    from app.cli import main

    RULES[sys.argv[1]]()
    sys.argv[1:] = sys.argv[2:]
    main()
