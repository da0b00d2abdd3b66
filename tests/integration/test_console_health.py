"""The page that says whether the machinery is well."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from app import config
from app.audit import Actor, record
from app.db import Database
from app.operations import auditing, record_seals, wellbeing
from app.redis_client import connect
from tests.support import staff_site
from tests.support.databases import Logins
from tests.support.http_script import closed_port
from tests.support.production import PRODUCTION
from tests.support.staff_site import Browser, Site
from tests.support.stories import Stories


@pytest.fixture
def site(db: Database, database_logins: Logins, redis_url: str) -> Iterator[Site]:
    with staff_site.running(
        db, database_url=database_logins.application, redis_url=redis_url, at_api_key="very-secret"
    ) as served:
        yield served


@pytest.fixture
def ops(site: Site) -> Browser:
    browser = site.browser()
    browser.sign_in(site.hire("ops@sacco.example", "ops"))
    return browser


def bad(db: Database, *, queue: str = "9.1", **settings: str) -> dict[str, str]:
    """What does not hold: the sentence, and its cure."""
    given = config.load(
        {"DATABASE_URL": "postgresql://db/x", "REDIS_URL": "redis://127.0.0.1:1/0", **settings}
    )
    with db.transaction() as tx:
        lines, _ = wellbeing.read(tx, given, queue=queue)
    return {str(one.says): str(one.cure or "") for one in lines if one.sign == "bad"}


def beat(db: Database) -> None:
    with db.transaction() as tx:
        for name, queues in (("w1", "debit"), ("c1", "clock")):
            tx.execute(
                sa.text("INSERT INTO worker_heartbeat (name, queues) VALUES (:name, :queues)"),
                {"name": name, "queues": queues},
            )


def test_where_nothing_runs_each_thing_is_named_with_its_cure(ops: Browser, db: Database) -> None:
    page = ops.get("/staff/health").text
    assert "Something needs a hand." in page
    for words in ("No worker is alive", "No timekeeper is alive", "Start one with `baraza clock`"):
        assert words in page
    found = bad(db)
    assert "baraza audit" in found["All the books were not audited in the last night."]
    assert "No audit has come to its end lately." in found


def test_where_everything_runs_all_is_well(ops: Browser, db: Database, redis_url: str) -> None:
    beat(db)
    with db.transaction() as tx:
        auditing.full(tx)
        record_seals.seal(tx)
    assert bad(db) == {}
    page = ops.get("/staff/health").text
    assert "All is well with the machinery." in page
    assert wellbeing.redis_version(connect(redis_url, timeout_s=1)) in page


def test_no_secret_is_on_the_page(ops: Browser, site: Site) -> None:
    page = ops.get("/staff/health").text
    assert "AT_API_KEY" in page
    assert "very-secret" not in page


def test_what_is_wrong_is_said(db: Database, owner_db: Database, redis_url: str) -> None:
    """Another schema, no Redis, a broken rule, old seals, no standby where money is real."""
    beat(db)
    Stories(db, redis_url).paid()
    with db.transaction() as tx:
        record(tx, "tested", by=Actor("tests"))
    with owner_db.transaction() as tx:
        tx.exec_driver_sql("SET LOCAL session_replication_role = replica")
        tx.exec_driver_sql("ALTER TABLE ledger.journal_entry DISABLE TRIGGER USER")
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
        tx.exec_driver_sql(
            "UPDATE ledger.journal_entry SET posted_at = posted_at - interval '5 minutes'"
        )
        tx.exec_driver_sql("UPDATE evidence SET receipt = 'OTHER' WHERE class = 'success'")
    with db.transaction() as tx:
        auditing.full(tx)
    found = " ".join(bad(db, queue=""))
    assert "has the schema 0001, of another version" in found
    assert "Redis does not answer" in found
    assert "rules broken" in found
    assert "not sealed for a minute" in found
    assert "rows that are not sealed yet" in found
    assert "standby" not in found


def test_money_needs_a_standby(db: Database) -> None:
    assert any("No commit waits for a standby" in one for one in bad(db, **PRODUCTION))


def test_a_redis_that_is_away_is_no_error() -> None:
    redis = connect(f"redis://127.0.0.1:{closed_port()}/0", timeout_s=0.5)
    assert wellbeing.redis_version(redis) == ""
