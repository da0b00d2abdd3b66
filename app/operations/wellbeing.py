"""Whether the machinery is well: each thing that must hold, what it looks like, and the cure."""

import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from redis import Redis
from redis.exceptions import RedisError

from app import clock
from app.config import Settings
from app.db import Tx
from app.operations import alerting, health, record_seals
from app.operations.money_sentence import Said
from app.payouts.deadlines import SILENT_S

SKEW_S_MAX = 2.0
FREE_PERCENT_MIN = 10
SEAL_AGE_S_MAX = 60
RECORD_SEAL_AGE = timedelta(minutes=10)
AUDITS_MISSED_MAX = 5
"""So many times the audit's interval may pass before its silence is told."""
FULL_AUDIT_AGE = timedelta(hours=36)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that must hold."""

    sign: Literal["good", "bad"]
    says: Said
    cure: Said | None = None
    """What a person does about it, where it is bad."""


@dataclass(frozen=True, slots=True)
class Versions:
    """What runs here."""

    baraza: str
    python: str
    rq: str
    postgresql: str
    redis: str
    """Empty: it does not answer."""
    schema: str


_FACTS = sa.text(
    """
    SELECT (SELECT version_num FROM alembic_version) AS schema,
           current_setting('server_version') AS server,
           clock_timestamp() AS now,
           current_setting('synchronous_standby_names') <> ''
               AND current_setting('synchronous_commit') <> 'off'
               AND current_setting('synchronous_commit') <> 'local' AS has_standby,
           (SELECT count(*) FROM worker_heartbeat WHERE queues <> 'clock'
               AND beat_at > clock_timestamp() - make_interval(secs => :silent)) AS workers,
           (SELECT count(*) FROM worker_heartbeat WHERE queues = 'clock'
               AND beat_at > clock_timestamp() - make_interval(secs => :silent)) AS clocks,
           (SELECT extract(epoch FROM clock_timestamp() - posted_at)::float
              FROM ledger.journal_entry WHERE xact_id >= ledger.sealed_to()
             ORDER BY xact_id LIMIT 1) AS unsealed_s,
           (SELECT finished_at FROM audit_run ORDER BY id DESC LIMIT 1) AS audited_at,
           (SELECT broken FROM audit_run ORDER BY id DESC LIMIT 1) AS broken,
           (SELECT finished_at FROM audit_run WHERE kind = 'full' ORDER BY id DESC LIMIT 1) AS full_at
    """  # noqa: E501 - one statement
)


def redis_version(redis: Redis) -> str:
    """The version of Redis or Valkey; empty if it does not answer."""
    try:
        told: dict[str, Any] = redis.info("server")
    except RedisError:
        return ""
    return str(told.get("valkey_version") or told.get("redis_version", "?"))


def read(tx: Tx, settings: Settings, *, queue: str) -> tuple[list[Line], Versions]:
    """Everything that must hold, as it stands, and the versions of what runs.

    Args:
        tx: Where to look; reads only.
        settings: Of this process.
        queue: What `redis_version` said; asked before, since nobody waits for it in here.
    """
    facts = tx.execute(_FACTS, {"silent": SILENT_S}).one()
    lines = [
        *_servers(facts, queue, settings),
        *_people_of_the_night(facts, settings),
        *_books(tx, facts),
        _disk(settings.baraza_var),
    ]
    versions = Versions(
        baraza=version("baraza"),
        python=platform.python_version(),
        rq=version("rq"),
        postgresql=facts.server,
        redis=queue,
        schema=facts.schema,
    )
    return lines, versions


def _servers(facts: sa.Row[Any], queue: str, settings: Settings) -> Iterator[Line]:
    yield _either(
        facts.schema == health.code_head(),
        Said("The database has the schema {schema} of this version.", {"schema": facts.schema}),
        Said("The database has the schema {schema}, of another version.", {"schema": facts.schema}),
        Said("Run `baraza migrate` of the newer version, and run one version everywhere."),
    )
    yield _either(
        queue != "",
        Said("Redis answers."),
        Said("Redis does not answer. Nothing is lost; work starts later."),
        Said("Look at the Redis server. It needs no data back."),
    )
    skew_s = abs((clock.now() - facts.now).total_seconds())
    said = {"seconds": f"{skew_s:.1f}"}
    yield _either(
        skew_s <= SKEW_S_MAX,
        Said("This machine's clock and the database's differ by {seconds} s.", said),
        Said("This machine's clock and the database's differ by {seconds} s.", said),
        Said("Set the clocks by NTP. Deadlines go by the database's clock meanwhile."),
    )
    if facts.has_standby:
        yield Line("good", Said("A commit waits for a standby: a failover forgets nothing."))
    elif settings.in_production:
        yield Line(
            "bad",
            Said("No commit waits for a standby: a failover may forget a call that was made."),
            Said("Set up a synchronous standby (synchronous_standby_names)."),
        )
    else:
        yield Line("good", Said("No standby: enough to play with, not for money."))


def _people_of_the_night(facts: sa.Row[Any], settings: Settings) -> Iterator[Line]:
    """Whoever works while nobody looks."""
    yield _either(
        facts.workers > 0,
        Said("{n} workers at work.", {"n": str(facts.workers)}),
        Said("No worker is alive: start one with `baraza worker`. Nothing is lost meanwhile."),
        None,
    )
    yield _either(
        facts.clocks > 0,
        Said("The timekeeper beats."),
        Said("No timekeeper is alive: what is due waits until something else rings."),
        Said("Start one with `baraza clock`. Two may run."),
    )
    late = timedelta(seconds=settings.audit_every_s * AUDITS_MISSED_MAX)
    is_late = facts.audited_at is None or facts.now - facts.audited_at > late
    if facts.broken:
        yield Line(
            "bad",
            Said("The last audit found {n} rules broken.", {"n": str(facts.broken)}),
            Said("See `baraza audit`. Withdrawals are stopped; find out why first."),
        )
    else:
        yield _either(
            not is_late,
            Said("The last audit found every rule kept."),
            Said("No audit has come to its end lately."),
            Said("See that `baraza clock` runs, and what its log says."),
        )
    yield _either(
        facts.full_at is not None and facts.now - facts.full_at <= FULL_AUDIT_AGE,
        Said("All the books were audited in the last night."),
        Said("All the books were not audited in the last night."),
        Said("Run `baraza audit`; see that `baraza clock` runs at night."),
    )


def _books(tx: Tx, facts: sa.Row[Any]) -> Iterator[Line]:
    yield _either(
        (facts.unsealed_s or 0) <= SEAL_AGE_S_MAX,
        Said("The books are sealed as they are written."),
        Said("The books have entries that were not sealed for a minute or more."),
        Said("See that `baraza clock` runs; a database transaction may be open for long."),
    )
    seals = record_seals.read(tx)
    is_old = seals.sealed_at is None or facts.now - seals.sealed_at > RECORD_SEAL_AGE
    yield _either(
        not (seals.unsealed and is_old),
        Said("The record of what people did is sealed."),
        Said("The record of what people did has rows that are not sealed yet."),
        Said("See that `baraza clock` runs; it seals what is new each minute."),
    )
    alerts = sum(alerting.open_by_severity(tx).values())
    yield _either(
        not alerts,
        Said("No alert is open."),
        Said("{n} alerts are open.", {"n": str(alerts)}),
        Said("They stand under Needs attention, each with the first thing to do."),
    )


def _disk(folder: Path) -> Line:
    there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    usage = shutil.disk_usage(there)
    percent = usage.free * 100 // usage.total
    said = {"percent": str(percent), "gb": f"{usage.free / 1e9:.1f}"}
    return _either(
        percent >= FREE_PERCENT_MIN,
        Said("{percent} % of this machine's disk is free, {gb} GB.", said),
        Said("{percent} % of this machine's disk is free, {gb} GB.", said),
        Said("Make room before it is full: a full disk stops everything."),
    )


def _either(holds: bool, good: Said, bad: Said, cure: Said | None) -> Line:  # noqa: FBT001 - reads as a sentence
    return Line("good", good) if holds else Line("bad", bad, cure)
