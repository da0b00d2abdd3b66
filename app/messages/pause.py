"""The pause while our account at the gateway is empty.

Nothing is claimed then, so no message uses up its attempts on a refusal that is not its fault. One
message probes now and then; once the gateway takes it, all others follow.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from app.db import Tx
from app.observability import logger

PROBE_AFTER_S = 120
"""From one refusal to the next probe: a topped-up account is noticed within this time."""

Permit = Literal["all", "probe", "none"]


@dataclass(frozen=True, slots=True)
class Pause:
    """Why nothing is sent, since when, and when one message tries again."""

    reason: str
    since: datetime
    probe_at: datetime


def current(tx: Tx) -> Pause | None:
    """The pause that is on; None while messages flow."""
    row = tx.execute(sa.text("SELECT reason, since, probe_at FROM sms_pause")).one_or_none()
    return None if row is None else Pause(*row)


def permit(tx: Tx) -> Permit:
    """What may be claimed now. After `probe`, call `probing` once something was claimed."""
    # Locked, so that two workers cannot both send the probe.
    due = tx.scalar(sa.text("SELECT probe_at <= now() FROM sms_pause FOR UPDATE"))
    if due is None:
        return "all"
    return "probe" if due else "none"


def probing(tx: Tx, *, lease_s: int) -> None:
    """A probe is under way: no other until its answer, or until its worker must be dead.

    No time at all when it was not sent after all, so that the next message probes.
    """
    tx.execute(
        sa.text("UPDATE sms_pause SET probe_at = now() + :lease"),
        {"lease": timedelta(seconds=lease_s)},
    )


def refused(tx: Tx, reason: str) -> None:
    """The gateway said that the account is empty: begin the pause, or put off the next probe."""
    begun = tx.scalar(
        sa.text(
            "INSERT INTO sms_pause (reason, probe_at) VALUES (:reason, now() + :wait)"
            " ON CONFLICT (only_one) DO UPDATE SET probe_at = excluded.probe_at"
            " RETURNING since = now()"
        ),
        {"reason": reason, "wait": timedelta(seconds=PROBE_AFTER_S)},
    )
    if begun:
        logger().critical("sms_out_of_credit", reason=reason)


def over(tx: Tx) -> None:
    """The gateway took a probe."""
    if tx.execute(sa.text("DELETE FROM sms_pause")).rowcount:
        logger().info("sms_credit_back")
