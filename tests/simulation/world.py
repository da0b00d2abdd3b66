"""One simulated installation: real steps and a real door on a real database, in one thread.

Whatever would happen at the same time elsewhere happens at the boundaries: when a database
transaction begins, when it commits, and around each call. There a process may also die, which is
an exception that nothing catches; its memory is gone and another one takes its place.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import sqlalchemy as sa
from flask import Flask

from app import config
from app.channels import callbacks
from app.channels.doors import EXTENSION, Doors
from app.config import Settings
from app.db import Database
from app.doorbell import Doorbell, Step
from app.members.pins import Pins
from app.payouts import cancel, intake, overdue, planning, quotes
from app.payouts.ask import Ask
from app.payouts.debit import Debit
from app.payouts.pay import Pay
from app.payouts.report import Report
from app.payouts.resolve import Resolve
from app.providers import breaker
from app.providers.daraja import Daraja
from tests.simulation.ground import NO_REDIS, Clock, Ground, copied
from tests.simulation.mpesa import Mpesa
from tests.simulation.wire import Wire, over
from tests.support.safaricom import new_key, write_certificate
from tests.support.stories import Person

DEPTH_MAX = 2
"""While one worker is interrupted another may work, and be interrupted itself, but not for ever."""


class Crash(BaseException):
    """The process dies here. Not an Exception, so that no step can swallow it."""


class Bells(Doorbell):
    """Remembers what was rung for. Nothing hangs on it: it may forget."""

    def __init__(self) -> None:
        self.rung: set[Step] = set()
        self.alone: list[tuple[Step, str]] = []

    def ring(self, *steps: Step) -> bool:
        """Somebody should work these."""
        self.rung.update(steps)
        return True

    def ring_alone(self, step: Step, reference: str) -> bool:
        """This payout made its step raise."""
        self.alone.append((step, reference))
        return True


class Inline(Executor):
    """Makes calls one after the other, in this thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do it now. A crash passes through."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@dataclass(frozen=True)
class Worker:
    """A worker process: what it has in memory."""

    name: str
    steps: dict[Step, Callable[[], Report]]


class World:
    """Everything of one run."""

    def __init__(
        self, *, seed: int, db: Database, look: Database, owner: Database,
        people: tuple[Person, ...], settings: Settings, tell: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.seed = seed
        self.chance = Random(seed)
        self.db = db
        """What workers and doors use; it is interrupted."""
        self.look = look
        """The same database for everybody else, never interrupted."""
        self.owner = owner
        self.people = people
        self.settings = settings
        self._tell = tell
        self.clock = Clock(owner)
        self.mpesa = Mpesa(self.chance, lambda: self.clock.passed_s, self.tell)
        self.bells = Bells()
        self.crashes = 0
        self._depth = 0
        self._born = 0
        self._hops = 0
        self.workers = [self._worker(), self._worker()]
        self.interrupt: Callable[[], None] = lambda: None
        """What another worker, M-PESA or a member does meanwhile; set by the scheduler."""
        self._door = self._web().test_client()
        for event, when in (("begin", "before a transaction"), ("commit", "before a commit")):
            sa.event.listen(db.engine, event, lambda _, when=when: self.meanwhile(when))

    def tell(self, what: str) -> None:
        """One line of the trace."""
        self._tell(f"{self.clock.passed_s:10.1f} s {'  ' * self._depth}{what}")

    @property
    def is_at_work(self) -> bool:
        """Whether some process is in the middle of something."""
        return self._depth > 0

    # Faults.

    def meanwhile(self, when: str) -> None:
        """A boundary: go on, be interrupted, or die."""
        if self._depth == 0 or self.mpesa.kind:
            return
        luck = self.chance.random()
        if luck < 0.012:
            self.crashes += 1
            self.tell(f"dies {when}")
            raise Crash
        # Never within a transaction: whoever waits for its locks would wait for ever here.
        if luck < 0.08 and self._depth < DEPTH_MAX and when != "before a commit":
            self.interrupt()

    @contextmanager
    def _alive(self) -> Iterator[None]:
        """Some process's work. Its death ends the block, not the simulation."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    # Processes.

    def _worker(self) -> Worker:
        """A new process, with nothing in its memory."""
        self._born += 1
        name = f"worker-{self._born}"
        client = Daraja.from_settings(self.settings, self.look)
        over(Wire(self.mpesa, self.meanwhile), client)
        plans = planning.schedule(self.settings)
        pool = Inline()
        steps = {
            Step.DEBIT: Debit(self.db, self.bells).run,
            Step.PAY: Pay(self.db, self.bells, client, self.settings, plans, pool, name).run,
            Step.RESOLVE: Resolve(self.db, self.bells, plans).run,
            Step.ASK: Ask(self.db, self.bells, client, self.settings, plans, pool).run,
        }
        return Worker(name, steps)

    def _web(self) -> Flask:
        """M-PESA's door, as the web process has it."""
        app = Flask("simulation")
        app.extensions[EXTENSION] = Doors(self.settings, self.db, self.bells, Pins("pepper"))
        app.register_blueprint(callbacks.bp)
        return app

    def work(self, place: int, step: Step) -> None:
        """One worker does one step, to its end or to its death."""
        worker = self.workers[place]
        self.bells.rung.discard(step)
        self._beat(worker)
        try:
            with self._alive():
                report = worker.steps[step]()
        except Crash:
            self.workers[place] = self._worker()
            return
        if report.references:
            self.tell(f"{worker.name} {step}: {len(report.references)}")

    def _beat(self, *workers: Worker) -> None:
        with self.look.transaction() as tx:
            tx.execute(
                sa.text(
                    "INSERT INTO worker_heartbeat (name, queues)"
                    " SELECT name, 'all' FROM unnest(CAST(:names AS text[])) name"
                    " ON CONFLICT (name) DO UPDATE SET beat_at = now()"
                ),
                {"names": [worker.name for worker in workers]},
            )

    def tick(self, *, sleeping: bool = False) -> None:
        """The timekeeper looks. Workers that sleep have not beaten."""
        if not sleeping:
            self._beat(*self.workers)
        with self.look.transaction() as tx:
            overdue.void_dead(tx)
            self.bells.rung |= overdue.steps(tx)

    # M-PESA and members.

    def deliver(self) -> None:
        """M-PESA posts what is due; what our door does not take is lost."""
        for letter in self.mpesa.due_letters():
            for _ in range(letter.copies):
                try:
                    with self._alive():
                        self._door.post(letter.path, json=letter.body())
                except Crash:
                    continue

    def request(self) -> None:
        """A member who has no open withdrawal makes one."""
        who = self.chance.choice(self.people)
        cents = self.chance.randrange(1, 40) * 50_00
        self._hops += 1
        with self.look.transaction() as tx:
            quote = quotes.make(
                tx, session_id=f"session-{self._hops}", transcript_mac=b"m" * 32,
                member_id=who.id, account_id=who.account, amount_cents=cents,
            )  # fmt: skip
            taken = intake.request(
                tx, quote_id=quote.id, notice_after_s=self.settings.payout_notice_after_s
            )
        self.tell(f"{who.msisdn[1:]} asks for {cents // 100}: {type(taken).__name__}")

    def take_back(self) -> None:
        """A member takes her withdrawal back, if she still can."""
        who = self.chance.choice(self.people)
        with self.look.transaction() as tx:
            waiting = intake.open_payout(tx, who.id)
            if waiting is None:
                return
            answer = cancel.by_member(tx, member_id=who.id, reference=waiting.reference)
        self.tell(f"{who.msisdn[1:]} takes back: {type(answer).__name__}")

    def close_breaker(self) -> None:
        """A person has looked, filled the float up and lets payouts go on."""
        self.mpesa.float_cents = max(self.mpesa.float_cents, 1_000_000_00)
        with self.look.transaction() as tx:
            if breaker.close(tx):
                self.tell("a person closes the breaker")


@contextmanager
def opened(ground: Ground, folder: Path, seed: int, tell: Callable[[str], None]) -> Iterator[World]:
    """A fresh installation for one run."""
    with copied(ground) as logins:
        db = Database(logins.application, pool_max=10, name="simulation")
        look = Database(logins.application, pool_max=10, name="simulation")
        owner = Database(logins.owner, role=None, name="simulation")
        settings = config.load(
            {
                "DATABASE_URL": logins.application,
                "REDIS_URL": NO_REDIS,
                "DARAJA_URL": "http://mpesa.invalid",
                "DARAJA_CERTIFICATE": str(certificate(folder)),
                "CALLBACK_SECRETS": "the secret of the doors",
                "STAFF_PAGES": "false",
            }
        )
        try:
            yield World(
                seed=seed, db=db, look=look, owner=owner, people=ground.people, settings=settings,
                tell=tell,
            )  # fmt: skip
        finally:
            for database in (db, look, owner):
                database.close()


def certificate(folder: Path) -> Path:
    """Safaricom's certificate, made once a folder."""
    file = folder / "safaricom.pem"
    return file if file.exists() else write_certificate(folder, new_key())
