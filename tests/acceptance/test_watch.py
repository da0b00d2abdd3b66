"""What is broken behind Baraza's back stops withdrawals, calls people, and is ended by a person."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.db import Database
from tests.support.databases import Logins
from tests.support.http_script import Reply, ScriptedServer, scripted_server
from tests.support.stack import BARAZA, Stack, stack, wait_for

AMINA = "+254712345678"
DUTY = "+254733000009"
RULE = "every paid payout stands on a success with its receipt and its amount"
HOOK = "/alerts"
SOON_S = 40
"""The next audit, the alert rules after it, the notices after them, on a busy machine."""


@pytest.fixture
def hook() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        server.on(HOOK, Reply(204))
        yield server


@pytest.fixture
def baraza(
    tmp_path: Path, database_logins: Logins, redis_url: str, hook: ScriptedServer
) -> Iterator[Stack]:
    """Everything runs, and somebody is on duty. Its books end broken on purpose."""
    told = {"ALERT_WEBHOOK_URL": hook.url + HOOK, "ALERT_PHONES": DUTY, "AUDIT_EVERY_S": "5"}
    with stack(tmp_path, database_logins, redis_url, **told) as made:
        made.start_all()
        yield made


def scalar(db: Database, query: str) -> object:
    with db.transaction() as tx:
        return tx.scalar(sa.text(query))


def posted(hook: ScriptedServer) -> set[tuple[str, str]]:
    """Rule and subject of what the webhook got."""
    bodies = [json.loads(seen.body) for seen in hook.seen(HOOK)]
    return {(one["rule"], one["subject"]) for one in bodies}


def test_a_broken_rule_stops_withdrawals_at_the_next_audit(
    baraza: Stack, db: Database, owner_db: Database, hook: ScriptedServer
) -> None:
    """The member reads that they are stopped, people are told, and a person lets them go on."""
    baraza.withdraw(AMINA, 1500)
    wait_for("paid", lambda: scalar(db, "SELECT state = 'paid' FROM payout"))
    wait_for("the first audit", lambda: scalar(db, "SELECT count(*) FROM audit_run"))
    with owner_db.transaction() as tx:
        tx.exec_driver_sql("SET LOCAL session_replication_role = replica")
        tx.exec_driver_sql("UPDATE evidence SET receipt = 'OTHER' WHERE class = 'success'")
    wait_for("stop", lambda: scalar(db, "SELECT reason FROM withdrawal_stop"), seconds=SOON_S)
    screen = baraza.phone(AMINA).dial().reply("1")
    assert screen.body.startswith("END Withdrawals are not possible now"), screen.body
    inbox = wait_for("a text", lambda: baraza.phone(DUTY).inbox(), seconds=30)
    assert "BARAZA PAGE: invariant_broken" in inbox[0].text
    wait_for("the webhook", lambda: ("invariant_broken", RULE) in posted(hook))
    subprocess.run(
        [BARAZA, "withdrawals", "resume", "--reason", "known"], env=baraza.environment, check=True
    )
    runs = scalar(db, "SELECT count(*) FROM audit_run")
    wait_for(
        "the next audit",
        lambda: scalar(db, "SELECT count(*) FROM audit_run") != runs,
        seconds=SOON_S,
    )
    assert scalar(db, "SELECT bool_and(resumed_at IS NOT NULL) FROM withdrawal_stop"), "overruled"
