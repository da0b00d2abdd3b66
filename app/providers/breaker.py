"""The circuit breaker: while the next payout would fail as the last one did, none is begun.

It opens on what M-PESA or the network said. Time never closes it. What a status query about an
earlier payout can show to be over, its answer closes; for the rest there is a balance, or a person.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa

from app.db import Tx
from app.observability import logger
from app.providers import result_codes

_ROW = "FROM provider_breaker WHERE provider = 'daraja'"
IS_OPEN = f"EXISTS (SELECT {_ROW} AND opened_at IS NOT NULL)"
"""For the conditions of steps: no payout may be begun."""
IS_LOCKED_OUT = f"EXISTS (SELECT {_ROW} AND cause = 'login')"
"""For the conditions of steps: nothing may go out, since each request may lock our initiator."""
PROBED_NOW = f"(SELECT probe_about {_ROW} AND probe_at <= now())"
"""For the conditions of steps: the payout to ask about now."""

PROBE_AFTER_S = (30, 60, 120, 300)
"""From the opening, and from probe to probe."""
PROBE_LOGIN_AFTER_S = (900, 3600)
"""A wrong password counts against us each time that it is tried."""
LOGIN_CODES = frozenset({"18", "20", "22", "2001", "8006"})
"""Our initiator or its password: each request more may lock it."""
FLOAT_EMPTY = "1"


class Cause(StrEnum):
    """Why it is open, mildest first. A worse cause takes the place of a milder one."""

    OUTAGE = "outage"
    """Calls in a row brought nothing."""
    SETUP = "setup"
    """Our shortcode, product or permissions."""
    FLOAT = "float"
    """Our utility account has too little money."""
    LOGIN = "login"
    """Our initiator or its password."""


_PROBED = frozenset({Cause.OUTAGE, Cause.LOGIN})
"""An answer to a status query shows that these are over. It fills no account and mends no
contract."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """The breaker as it stands."""

    opened_at: datetime | None
    cause: Cause | None
    code: str | None
    changed_at: datetime
    probe_about: UUID | None
    probe_at: datetime | None
    probes: int

    @property
    def is_open(self) -> bool:
        """Whether no payout may be begun."""
        return self.opened_at is not None

    @property
    def is_locked_out(self) -> bool:
        """Whether nothing at all may go out, but for a rare probe."""
        return self.cause is Cause.LOGIN

    def probes_with(self, payout_id: UUID, at: datetime) -> bool:
        """Whether a question about this payout is due, to see whether anything works again."""
        return payout_id == self.probe_about and self.probe_at is not None and self.probe_at <= at


def cause_of(code: str | None) -> Cause | None:
    """What a result code is a reason to stop for, or None."""
    known = result_codes.lookup(code)
    if not known.breaker:
        return None
    if known.code == FLOAT_EMPTY:
        return Cause.FLOAT
    return Cause.LOGIN if known.code in LOGIN_CODES else Cause.SETUP


def current(tx: Tx) -> Breaker:
    """The breaker, as it was a moment ago."""
    return _read(tx, "")


def hold(tx: Tx) -> Breaker:
    """The breaker, which nobody opens or closes before our commit."""
    return _read(tx, " FOR SHARE")


def alone(tx: Tx) -> Breaker:
    """The breaker, once all steps that were about to call have committed; they wait for us."""
    return _read(tx, " FOR UPDATE")


def open_for(tx: Tx, cause: Cause, *, code: str | None = None, probe_about: UUID | None) -> bool:
    """Open it, or note a worse cause. Whether it changed.

    `probe_about` is an earlier payout to ask M-PESA about. Without one only a person closes it.
    """
    milder = list(Cause)[: list(Cause).index(cause)]
    changed = tx.execute(
        sa.text(
            "UPDATE provider_breaker SET cause = :cause, code = :code, probes = 0,"
            " opened_at = coalesce(opened_at, clock_timestamp()), changed_at = clock_timestamp(),"
            " probe_about = :about, probe_at = CASE WHEN CAST(:about AS uuid) IS NOT NULL"
            "  THEN clock_timestamp() + make_interval(secs => :wait) END"
            " WHERE provider = 'daraja' AND (cause IS NULL OR cause = ANY(:milder))"
        ),
        {
            "cause": cause,
            "code": code,
            "about": probe_about if cause in _PROBED else None,
            "wait": _wait_s(cause, 0),
            "milder": [str(one) for one in milder],
        },
    ).rowcount
    if changed:
        logger().critical("breaker_opened", cause=str(cause), code=code)
    return bool(changed)


def probing(tx: Tx, breaker: Breaker) -> None:
    """A probe is committed: the next one is later."""
    assert breaker.cause is not None
    tx.execute(
        sa.text(
            "UPDATE provider_breaker SET probes = probes + 1,"
            " probe_at = clock_timestamp() + make_interval(secs => :wait)"
            " WHERE provider = 'daraja' AND probe_at IS NOT NULL"
        ),
        {"wait": _wait_s(breaker.cause, breaker.probes + 1)},
    )


def close(tx: Tx) -> bool:
    """Close it, on evidence or by a person. Whether it was open."""
    closed = tx.execute(
        sa.text(
            "UPDATE provider_breaker SET opened_at = NULL, cause = NULL, code = NULL, probes = 0,"
            " probe_about = NULL, probe_at = NULL, changed_at = clock_timestamp()"
            " WHERE provider = 'daraja' AND opened_at IS NOT NULL"
        )
    ).rowcount
    return bool(closed)


def _wait_s(cause: Cause, probes: int) -> int:
    plan = PROBE_LOGIN_AFTER_S if cause is Cause.LOGIN else PROBE_AFTER_S
    return plan[min(probes, len(plan) - 1)]


def _read(tx: Tx, lock: str) -> Breaker:
    row = tx.execute(
        sa.text(
            f"SELECT opened_at, cause, code, changed_at, probe_about, probe_at, probes {_ROW}{lock}"
        )
    ).one()
    return Breaker(
        opened_at=row.opened_at,
        cause=None if row.cause is None else Cause(row.cause),
        code=row.code,
        changed_at=row.changed_at,
        probe_about=row.probe_about,
        probe_at=row.probe_at,
        probes=row.probes,
    )
