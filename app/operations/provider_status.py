"""How our providers are doing, and what a person should do about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.db import Tx
from app.providers import balance_queries, breaker, float_readings, pauses, throttle
from app.providers.balance_queries import Question
from app.providers.breaker import Breaker, Cause
from app.providers.float_readings import FloatReading
from app.providers.pauses import Held, Pause

CAUSES: dict[Cause, str] = {
    Cause.OUTAGE: "M-PESA cannot be reached, or breaks.",
    Cause.SETUP: "Safaricom says that our shortcode, product or permissions do not allow payouts.",
    Cause.FLOAT: "The utility account at M-PESA is empty or below its reserve.",
    Cause.LOGIN: "Safaricom refuses our initiator or its password, and each try more may lock it.",
}
"""Why no payout is begun while the breaker is open."""
CURES: dict[Cause, str] = {
    Cause.OUTAGE: "Baraza asks it again by itself. Check the network and Safaricom's status page.",
    Cause.SETUP: "Call Safaricom; then let payouts go on.",
    Cause.FLOAT: "Top it up. M-PESA is asked for the balance every minute (FLOAT_ASK_EVERY_MIN),"
    " and payouts go on once it is enough; if no answer comes, let them go on.",
    Cause.LOGIN: "Check it in the M-PESA portal, set DARAJA_INITIATOR_PASSWORD, restart; then let"
    " payouts go on.",
}
"""What a person does about it."""


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """Everything that decides whether calls go out, and how fast."""

    breaker: Breaker
    pauses: list[Pause]
    float_reading: FloatReading | None
    float_age_s: int | None
    """Since M-PESA's clock said so."""
    float_question: Question | None
    """The last one that M-PESA was asked, or is to be asked."""
    calls_per_s: float
    slowed_at: datetime | None
    token_expires_at: datetime | None
    """None: there was never one."""
    to_do: list[str]


def read(tx: Tx, *, calls_per_s_max: int) -> ProviderStatus:
    """How things stand now."""
    now = breaker.current(tx)
    held = pauses.in_force(tx)
    at = tx.scalar(sa.select(sa.func.clock_timestamp()))
    assert isinstance(at, datetime)
    bucket = throttle.current(tx).filled(now=at, calls_per_s_max=calls_per_s_max)
    expires = tx.scalar(sa.text("SELECT expires_at FROM provider_token WHERE provider = 'daraja'"))
    reading = float_readings.newest(tx)
    return ProviderStatus(
        breaker=now,
        pauses=held,
        float_reading=reading,
        float_age_s=None if reading is None else int((at - reading.said_at).total_seconds()),
        float_question=balance_queries.last(tx),
        calls_per_s=round(bucket.calls_per_s, 1),
        slowed_at=bucket.slowed_at,
        token_expires_at=expires if isinstance(expires, datetime) else None,
        to_do=list(_to_do(now, held)),
    )


def _to_do(now: Breaker, held: list[Pause]) -> Iterator[str]:
    if now.cause is not None:
        by_hand = (
            "" if now.cause is Cause.OUTAGE else " `baraza providers resume pay --reason ...`."
        )
        yield f"{CAUSES[now.cause]} {CURES[now.cause]}{by_hand}"
    for one in held:
        what = {Held.PAY: "payouts", Held.ASK: "queries", Held.SMS: "SMS"}[one.step]
        yield f"{one.by} holds back {what}; `baraza providers resume {one.step} --reason ...`."
