"""The timekeeper: each second it finds in PostgreSQL whatever is due and rings for it again.

It is the reason why Redis may be wiped and workers may die. Any number of timekeepers may run;
they hold no lock and move no money.
"""

import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import sqlalchemy as sa

from app.config import Settings
from app.db import Database, DatabaseAway, Tx
from app.doorbell import Step
from app.ledger import sealing, upkeep
from app.messages import outbox
from app.observability import configure_logs, logger
from app.operations import alerting, auditing, machines, notifying, payout_report, record_seals
from app.operations.notifying import Notifier
from app.payouts import float_watch, overdue, public_holidays
from app.payouts.deadlines import SILENT_S
from workers import jobs
from workers.beside import Beside
from workers.context import Context, open_context
from workers.heartbeat import Heartbeat, name_of_this_process

TICK_S = 1.0
LONG_SILENT_S = 60
"""In the first seconds after PostgreSQL was away, when the living have not beaten again yet."""
SEAL_EVERY_S = 5
SEAL_RECORD_EVERY_S = 60
MONTHS_EVERY_S = 3600
HOLIDAYS_EVERY_S = 86_400
FIGURES_EVERY_S = 21_600
ALERTS_EVERY_S = 10


class Timekeeper:
    """One timekeeper. `tick` is one look at everything."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._last: dict[str, float] = {}
        self._blind_until = 0.0

    def tick(self) -> None:
        """Void dead workers' claims, ring for what is due, keep the ledger's house."""
        with self._context.db.transaction() as tx:
            dead = overdue.void_dead(tx, silent_s=self._silent_s())
            for worker in dead:
                outbox.release(tx, worker)
            due = overdue.steps(tx)
            if outbox.waiting(tx):
                due.add(Step.SMS)
            if float_watch.is_due(tx, self._context.settings):
                due.add(Step.ASK)
            alone = overdue.alone(tx)
        for step in sorted(due):
            if not self._context.doorbell.insist(step):
                self._work_without_redis(step)
        for step, reference in alone:
            self._context.doorbell.ring_alone(step, reference)
        self._every(SEAL_EVERY_S, sealing.seal)
        self._every(SEAL_RECORD_EVERY_S, record_seals.seal)
        self._every(MONTHS_EVERY_S, upkeep.ensure_months)
        self._every(HOLIDAYS_EVERY_S, public_holidays.upkeep)
        self._every(FIGURES_EVERY_S, payout_report.keep_months)
        self._every(ALERTS_EVERY_S, alerting.evaluate)

    def lost_sight(self) -> None:
        """PostgreSQL was away: nobody could beat, and that makes nobody dead."""
        self._blind_until = time.monotonic() + SILENT_S

    def _silent_s(self) -> float:
        """How long a worker's silence must last. After an outage all had as long a silence."""
        return LONG_SILENT_S if time.monotonic() < self._blind_until else SILENT_S

    def _work_without_redis(self, step: Step) -> None:
        """Slow but safe: the steps do not know who calls them."""
        logger().warning("working_without_redis", step=step)
        getattr(jobs, step)()

    def _every(self, seconds: float, task: Callable[[Tx], object]) -> None:
        name = f"{task.__module__}.{task.__qualname__}"
        if time.monotonic() - self._last.get(name, -seconds) < seconds:
            return
        self._last[name] = time.monotonic()
        with self._context.db.transaction() as tx:
            task(tx)


def run(settings: Settings) -> None:
    """Keep time until SIGTERM or SIGINT."""
    configure_logs("clock")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    context = open_context(settings, worker=name_of_this_process("clock"))
    _wait(context.db, stop)
    keeper = Timekeeper(context)
    with ExitStack() as beside:
        beside.enter_context(Heartbeat(context.db, name=context.worker, queues="clock"))
        audit = partial(auditing.watch, context.db, every_s=settings.audit_every_s)
        beside.enter_context(Beside("audit", settings.audit_every_s, audit))
        notifier = Notifier.from_settings(settings, context.db, context.sms)
        beside.enter_context(Beside("notices", notifying.EVERY_S, notifier.round))
        look = partial(machines.look, context.db, context.redis, settings)
        beside.enter_context(Beside("machines", machines.EVERY_S, look))
        while not stop.wait(TICK_S):
            try:
                keeper.tick()
            except DatabaseAway as away:
                logger().warning("database_away", reason=str(away))
                keeper.lost_sight()
            except sa.exc.SQLAlchemyError as broken:
                # A tick that failed is repeated; the timekeeper must never stop.
                logger().error("tick_failed", reason=type(broken).__name__)


def _wait(db: Database, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            with db.transaction():
                return
        except DatabaseAway:
            stop.wait(TICK_S)
