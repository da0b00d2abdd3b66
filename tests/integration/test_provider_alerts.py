"""The alert rules about providers: each fires on what it is for, and is silent otherwise."""

import pytest
import sqlalchemy as sa

from app.audit import Actor
from app.db import Database
from app.operations import alerting
from app.payouts import switch
from app.providers import breaker, float_readings, pauses, throttle
from app.providers.breaker import Cause
from app.providers.pauses import Held
from tests.support.stories import Stories

AMINA = Actor("command line", name="amina")
PROVIDER_RULES = {
    "breaker_open", "initiator_refused", "float_low", "calls_slowed", "token_failing",
    "calls_held_back", "withdrawals_stopped",
}  # fmt: skip
RULES = [rule for rule in alerting.rules() if rule.name in PROVIDER_RULES]


def wrong(db: Database) -> dict[str, list[tuple[str, str]]]:
    """What each rule finds, where it finds anything."""
    with db.transaction() as tx:
        found = {rule.name: alerting.findings(tx, rule) for rule in RULES}
    return {name: [(row[0], row[1]) for row in rows] for name, rows in found.items() if rows}


def test_nothing_is_wrong_in_the_beginning(db: Database) -> None:
    assert 7 == len(RULES)
    assert {} == wrong(db)


@pytest.mark.parametrize(
    ("cause", "code", "rule"),
    [
        (Cause.OUTAGE, None, "breaker_open"),
        (Cause.SETUP, "11", "breaker_open"),
        (Cause.LOGIN, "8006", "initiator_refused"),
        (Cause.FLOAT, "1", "float_low"),
    ],
)
def test_an_open_breaker_is_one_alert(
    db: Database, cause: Cause, code: str | None, rule: str
) -> None:
    """By its cause, so that the first thing to do is the right one."""
    with db.transaction() as tx:
        breaker.open_for(tx, cause, code=code, probe_about=None)
        float_readings.keep(tx, cents=812_50, said_at=None, reference="BRZ2345678")
    found = wrong(db)
    assert [rule] == list(found)
    ((subject, detail),) = found[rule]
    assert "daraja" == subject
    assert (code or "outage") in detail
    assert ("KES 812.50" in detail) is (cause is Cause.FLOAT)
    with db.transaction() as tx:
        breaker.close(tx)
    assert {} == wrong(db)


def test_a_spike_arrest_is_told(db: Database) -> None:
    with db.transaction() as tx:
        throttle.slow(tx, calls_per_s_max=20)
    assert [("daraja", "10.0 calls a second")] == [
        (subject, detail.partition("; ")[2].removesuffix(" now"))
        for subject, detail in wrong(db)["calls_slowed"]
    ]


def test_a_hold_and_a_stop_are_told_with_who_and_why(db: Database) -> None:
    with db.transaction() as tx:
        pauses.pause(tx, Held.PAY, reason="maintenance", by=AMINA, for_s=60)
        switch.stop(tx, reason="unusual volume", by=AMINA)
    found = wrong(db)
    assert ["calls_held_back", "withdrawals_stopped"] == list(found)
    for rows, why in zip(found.values(), ("maintenance", "unusual volume"), strict=True):
        assert "amina" in rows[0][1]
        assert why in rows[0][1]


def test_a_token_that_cannot_be_had_is_told_while_payouts_wait(
    db: Database, redis_url: str
) -> None:
    """An expired one that nobody needs is no trouble."""
    with db.transaction() as tx:
        tx.execute(
            sa.text(
                "INSERT INTO provider_token (provider, expires_at)"
                " VALUES ('daraja', now() - interval '1 hour')"
            )
        )
    assert {} == wrong(db)
    stories = Stories(db, redis_url)
    reference = stories.called()
    stories.write(
        "UPDATE attempt SET outcome = 'not_sent', finished_at = now() WHERE payout_id ="
        " (SELECT id FROM payout WHERE reference = :reference)",
        reference,
    )
    assert ["token_failing"] == list(wrong(db))
