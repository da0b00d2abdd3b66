"""Work beside a process's own goes on whatever it raises, and ends with the process."""

import threading

from app.db import DatabaseAway
from workers.beside import Beside


def test_work_that_raises_is_done_again() -> None:
    raised = iter([DatabaseAway("gone"), ValueError("wrong")])
    done = threading.Event()

    def work() -> None:
        error = next(raised, None)
        if error:
            raise error
        done.set()

    with Beside("test", 0.01, work):
        assert done.wait(5)


def test_it_holds_nothing_up_and_ends_with_its_block() -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        may_end.wait(5)
        ended.set()

    with Beside("test", 60, work):
        assert begun.wait(5)
        assert not ended.is_set()
        may_end.set()
    assert ended.is_set()
