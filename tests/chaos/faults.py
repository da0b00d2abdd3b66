"""What goes wrong during a run: a seeded choice among named faults, counted by name."""

import json
import random
import secrets
import signal
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psutil
import psycopg
import redis
import requests
import sqlalchemy as sa

from app.db import DatabaseAway
from tests.chaos.proxy import Line
from tests.chaos.world import World

Fault = Callable[[World], None]
SLEEP_PAST_THE_CLAIM_S = 4
"""Longer than the silence after which a worker is taken for dead."""
BAD_LINE_S = (1.0, 4.0)
CROWD_MAX = 500
FALSE_REFUSAL_OF_CENTS, FALSE_REFUSAL_CENTS = 10_000, 600
"""Amounts that end in 06 shillings: M-PESA's stand-in posts a false failure before the success."""
SILENT_SHILLINGS = (101, 201, 301, 103, 203, 303)
"""Amounts of the load that M-PESA pays without a result: see `load.ENDINGS`."""
FORGED = {
    "Result": {
        "ResultType": 0,
        "ResultCode": 1,
        "ResultDesc": "The balance is insufficient for the transaction.",
        "OriginatorConversationID": "",
        "ConversationID": "",
        "TransactionID": "UKN0000000",
    }
}


def kill_worker(world: World) -> None:
    """SIGKILL of all workers at once."""
    world.kill("worker")


def kill_one_child(world: World) -> None:
    """SIGKILL of one worker process; its parent starts another."""
    children = psutil.Process(world.stack.processes["worker"].pid).children()
    if children:
        world.chance.choice(children).kill()


def kill_clock(world: World) -> None:
    """SIGKILL of the timekeeper."""
    world.kill("clock")


def kill_web(world: World) -> None:
    """SIGKILL of the web server: hops and callbacks are cut off in the middle."""
    world.kill("web")


def sleep_past_the_claim(world: World) -> None:
    """SIGSTOP of the workers until their claims are void, then SIGCONT."""
    family = psutil.Process(world.stack.processes["worker"].pid).children(recursive=True)
    for one in family:
        one.send_signal(signal.SIGSTOP)
    time.sleep(SLEEP_PAST_THE_CLAIM_S)
    for one in family:
        one.send_signal(signal.SIGCONT)


def stop_postgres(world: World) -> None:
    """PostgreSQL stops at once and is started again."""
    world.stop_postgres()
    time.sleep(world.chance.uniform(0, 2))
    world.revive_servers()


def empty_redis(world: World) -> None:
    """FLUSHALL: no bell, no session, no job is left."""
    world.redis().flushall()


def restart_redis(world: World) -> None:
    """Redis dies and comes back empty."""
    world.kill_redis()
    time.sleep(world.chance.uniform(0, 2))
    world.revive_servers()


def provider_trouble(world: World) -> None:
    """One of the provider's own faults, for the next three calls of any payout."""
    name = world.chance.choice(PROVIDER_FAULTS)
    world.stack.fault({"api": "b2c"}, name, times=3)


def status_trouble(world: World) -> None:
    """The next status queries about payouts on their way find nothing, or fail by themselves.

    Not about those whose failure callback is false already: who is told twice by M-PESA that a
    payout is dead, in two ways, gives the money back. That takes a statement to find.
    """
    name = world.chance.choice(STATUS_FAULTS)
    for row in _on_their_way(world):
        if row.amount_cents % FALSE_REFUSAL_OF_CENTS != FALSE_REFUSAL_CENTS:
            world.stack.fault({"api": "status", "ocid": str(row.id)}, name, times=2)


def deny_at_first(world: World) -> None:
    """All through the run, M-PESA's first status answers about what is silent find nothing.

    Only about amounts whose result never comes: those are the payouts that hang on what is
    made of "does not exist".
    """
    for shillings in SILENT_SHILLINGS:
        world.stack.fault(
            {"api": "status", "amount": shillings}, "status_not_found_then_completed", times=None
        )


def be_slow(world: World, seconds: float) -> None:
    """All through the run, M-PESA is at work on each payout for so long."""
    world.stack.fault({"api": "b2c"}, "open_then_paid", times=None, after_s=seconds)


def expire_token(world: World) -> None:
    """The access token is refused from now on, for all workers at once."""
    world.stack.fault({"api": "b2c"}, "token_expired", times=1)


def forge_failure(world: World) -> None:
    """A failure that M-PESA never sent, from an allowed address, for payouts on their way.

    Under a guessed path, and under the payout's real path, as if its address had leaked.
    """
    settings = world.stack.settings
    for row in _on_their_way(world):
        ocid = str(row.id)
        body = json.loads(json.dumps(FORGED))
        body["Result"]["OriginatorConversationID"] = ocid
        body["Result"]["ConversationID"] = f"AG_20261123_{secrets.token_hex(10)}"
        for token in (settings.door_token(str(uuid.uuid4())), settings.door_token(ocid)):
            door = f"http://127.0.0.1:{settings.port}/d/{token}/b2c/result/{ocid}"
            requests.post(door, json=body, timeout=5)


def bad_line_to_mpesa(world: World) -> None:
    """The line to M-PESA is slow, cut, half-open or dripping for a moment."""
    _bad_line(world, "daraja")


def bad_line_to_postgres(world: World) -> None:
    """The same on the line to PostgreSQL: a commit's answer may be lost."""
    _bad_line(world, "database")


def bad_line_to_redis(world: World) -> None:
    """The same on the line to Redis."""
    _bad_line(world, "redis")


def _bad_line(world: World, name: str) -> None:
    line = world.lines[name]
    line.line = world.chance.choice([one for one in Line if one is not Line.GOOD])
    time.sleep(world.chance.uniform(*BAD_LINE_S))
    line.line = Line.GOOD


def crowd_postgres(world: World) -> None:
    """Baraza's sessions are ended, and others hold all of PostgreSQL's for a moment."""
    crowd: list[psycopg.Connection] = []
    with world.owner.transaction() as tx:
        tx.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name LIKE 'baraza %' AND pid <> pg_backend_pid()"
            )
        )
    address = sa.make_url(world.stack.logins.application).set(drivername="postgresql")
    try:
        while len(crowd) < CROWD_MAX:
            crowd.append(psycopg.connect(address.render_as_string(hide_password=False)))
    except psycopg.OperationalError:
        time.sleep(world.chance.uniform(*BAD_LINE_S))
    finally:
        for one in crowd:
            one.close()


def hold_payouts(world: World) -> None:
    """Another session holds the newest payouts: steps wait for it, or pass by."""
    with world.owner.transaction() as tx:
        tx.execute(sa.text("SELECT FROM payout ORDER BY id DESC LIMIT 50 FOR UPDATE"))
        time.sleep(world.chance.uniform(*BAD_LINE_S))


def _on_their_way(world: World) -> Sequence[sa.Row[Any]]:
    query = (
        "SELECT id, amount_cents FROM payout"
        " WHERE state IN ('submitting', 'submitted', 'in_doubt') LIMIT 10"
    )
    with world.owner.transaction() as tx:
        return tx.execute(sa.text(query)).all()


PROVIDER_FAULTS = (
    "hang_then_pay", "hang_then_pay_with_callback", "hang_and_drop", "reset_after_processing",
    "reset_before_processing", "half_an_answer", "internal_error_but_taken",
    "internal_error_not_taken", "html_200", "empty_200", "callback_before_ack", "callback_twice",
    "callback_never", "timeout_notice_then_success", "timeout_notice_then_nothing",
)  # fmt: skip

STATUS_FAULTS = ("status_not_found", "status_not_found_then_completed", "status_about_query")

FAULTS: tuple[Fault, ...] = (
    kill_worker, kill_one_child, kill_clock, kill_web, sleep_past_the_claim, stop_postgres,
    empty_redis, restart_redis, provider_trouble, provider_trouble, status_trouble,
    expire_token, forge_failure, forge_failure, bad_line_to_mpesa, bad_line_to_postgres,
    bad_line_to_redis, crowd_postgres, hold_payouts,
)  # fmt: skip
"""Named twice what should come twice as often."""
TRANSIENT = (
    requests.RequestException, redis.RedisError, sa.exc.SQLAlchemyError, psutil.Error,
    psycopg.Error, DatabaseAway,
)  # fmt: skip
"""What a hand of the run's own may meet while servers are down: the fault then counts as missed."""


@dataclass
class Plan:
    """Faults in a seeded order: each round has all of them once, shuffled."""

    chance: random.Random
    faults: Sequence[Fault]
    counted: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    at: list[tuple[float, str]] = field(default_factory=list)
    """When each struck, in seconds since the epoch."""
    _round: list[Fault] = field(default_factory=list)

    def strike(self, world: World) -> None:
        """The next fault."""
        if not self._round:
            self._round = list(self.faults)
            self.chance.shuffle(self._round)
        fault = self._round.pop()
        began = time.time()
        try:
            fault(world)
        except TRANSIENT:
            self.missed[fault.__name__] += 1
        else:
            self.counted[fault.__name__] += 1
            self.at.append((began, fault.__name__))
