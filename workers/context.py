"""What a worker process works with, made once per process."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from redis import Redis

from app import redis_client
from app.config import Settings
from app.db import Database
from app.doorbell import Doorbell, Step
from app.members import start_pins
from app.members.pins import Pins
from app.messages.sending import StartPins
from app.money import shillings
from app.payouts import planning
from app.payouts.ask import Ask
from app.payouts.debit import Debit
from app.payouts.float_watch import FloatWatch
from app.payouts.pay import Pay
from app.payouts.resolve import Resolve
from app.payouts.sim_check import SimCheck
from app.payouts.straight import Straight
from app.providers.africastalking import Sms
from app.providers.daraja import Daraja
from app.providers.insights import Insights
from workers.pace import Pace


@dataclass(frozen=True, slots=True)
class Context:
    """One process's connections and steps."""

    settings: Settings
    db: Database
    redis: Redis
    doorbell: Doorbell
    pace: Pace
    debit: Debit
    pay: Pay
    straight: Straight
    ask: Ask
    float_watch: FloatWatch
    resolve: Resolve
    check: SimCheck
    sms: Sms
    start_pins: StartPins
    worker: str
    works: frozenset[Step]
    """The steps of this process, whichever it is rung for."""


_current: Context | None = None


def current() -> Context:
    """This process's context. RQ jobs find it here, since a job carries nothing but a name."""
    assert _current is not None, "open a context first"
    return _current


def open_context(
    settings: Settings, *, worker: str, works: Collection[Step] = frozenset()
) -> Context:
    """Make this process's context."""
    global _current  # noqa: PLW0603 - one per process by design; jobs have no other way to it
    db = Database(settings.database_url, pool_max=settings.database_pool_max, name=worker)
    redis = redis_client.connect(settings.redis_url)
    doorbell = Doorbell(redis)
    daraja = Daraja.from_settings(settings, db)
    schedule = planning.schedule(settings)
    reserve_cents = shillings(settings.float_reserve_kes)
    pool = ThreadPoolExecutor(settings.daraja_calls_max, thread_name_prefix="call")
    debit = Debit(db, doorbell, checks_sim=settings.sim_check == "on")
    pay = Pay(db, doorbell, daraja, settings, schedule, pool, worker)
    _current = Context(
        settings=settings,
        db=db,
        redis=redis,
        doorbell=doorbell,
        pace=Pace(doorbell),
        debit=debit,
        pay=pay,
        straight=Straight(db, doorbell, debit, pay),
        ask=Ask(db, doorbell, daraja, settings, schedule, pool),
        float_watch=FloatWatch(db, daraja, settings, reserve_cents),
        resolve=Resolve(db, doorbell, schedule, float_reserve_cents=reserve_cents),
        check=SimCheck(db, doorbell, Insights.from_settings(settings), settings),
        sms=Sms.from_settings(settings),
        start_pins=partial(start_pins.out, Pins(settings.pin_pepper.get_secret_value())),
        worker=worker,
        works=frozenset(works),
    )
    return _current
