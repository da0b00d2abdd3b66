"""Rules broken on purpose, one at a time and only for a while: the simulation must notice each."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

from app.payouts import classify, evidence, pay, resolve
from app.payouts.evidence import Class
from app.providers import daraja
from app.providers.daraja_results import StatusSays


def timeout_is_no() -> AbstractContextManager[object]:
    """A call that was not answered is taken for a refusal."""
    return mock.patch.dict(pay.CLASS_OF, {daraja.InDoubt: (Class.DEFINITE_NO, "refused")})


def not_found_is_no() -> AbstractContextManager[object]:
    """A status query's "does not exist" is taken for a refusal."""
    return mock.patch.dict(classify.SAYS, {StatusSays.NOT_KNOWN_NOW: Class.DEFINITE_NO})


def callback_is_enough() -> AbstractContextManager[object]:
    """A failure callback gives the money back without a status answer that agrees."""
    weighed = evidence._refusal

    def broken(now: Any, told: Any) -> Any:
        refusal, _ = weighed(now, told)
        return refusal, True

    return mock.patch.object(evidence, "_refusal", broken)


def new_id_per_call() -> AbstractContextManager[object]:
    """Each call goes out under an id of its own."""
    made = pay.Pay._request

    def broken(self: pay.Pay, payout: Any) -> daraja.PayRequest:
        return replace(made(self, payout), ocid=secrets.token_hex(16))

    return mock.patch.object(pay.Pay, "_request", broken)


def sync_refusal_is_enough() -> AbstractContextManager[object]:
    """A refusal of one call reverses, although another call is in doubt."""
    return mock.patch.object(resolve, "CALLS_THAT_MAY_HAVE_ARRIVED", "false")


RULES: dict[str, Callable[[], AbstractContextManager[object]]] = {
    rule.__name__: rule
    for rule in (
        timeout_is_no, not_found_is_no, callback_is_enough, new_id_per_call,
        sync_refusal_is_enough,
    )
}  # fmt: skip


@contextmanager
def broken(name: str | None) -> Iterator[None]:
    """The world with this rule broken, until the block is left; None breaks nothing."""
    if name is None:
        yield
        return
    with RULES[name]():
        yield
