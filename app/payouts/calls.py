"""Calls to the provider, side by side, outside any database transaction.

Their outcomes are handed back in small groups as they come, so that a slow call delays no
other's record and a quick burst costs one commit.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

GATHER_S = 0.02
"""After a first outcome, others that come within this long are recorded with it. Nobody waits for
an outcome: M-PESA's result comes later by far."""


def side_by_side(
    pool: Executor, call: Callable[[Asked], Answer], asked: Sequence[Asked]
) -> Iterator[list[tuple[Asked, Answer]]]:
    """Make all the calls at once; yield groups of (what was asked, what came).

    `asked` must not be longer than the pool has threads: no claimed row waits unsent.
    """
    waiting: dict[Future[Answer], Asked] = {pool.submit(call, one): one for one in asked}
    while waiting:
        wait(waiting, return_when=FIRST_COMPLETED)
        wait(waiting, timeout=GATHER_S)
        done = [future for future in waiting if future.done()]
        yield [(waiting.pop(future), future.result()) for future in done]
