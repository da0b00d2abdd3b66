"""Health doors and metrics, over a real socket, with servers there and away."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families

from app.config import load
from app.db import Database
from app.migrations import head
from app.operations import health, numbers
from tests.support import staff_site
from tests.support.staff_site import Site

NO_DATABASE = "postgresql+psycopg://nobody@127.0.0.1:1/none"
NO_REDIS = "redis://127.0.0.1:1/0"


@pytest.fixture
def site(db: Database, database_url: str, redis_url: str) -> Iterator[Site]:
    with staff_site.running(db, database_url=database_url, redis_url=redis_url) as running:
        yield running


def ready(site: Site) -> tuple[int, dict[str, str]]:
    answer = site.browser().get("/health/ready")
    return answer.status_code, answer.json()


def metrics_of(text: str) -> dict[str, float]:
    """Every sample by its name and labels."""
    return {
        sample.name + "".join(f"|{value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_everything_there_is_ready(site: Site) -> None:
    """Database and Redis answer and the schema is this code's."""
    assert ready(site) == (200, {"status": "ready", "database": "ok", "redis": "ok"})
    assert site.browser().get("/health/live").json() == {"status": "live"}


def test_without_redis_members_are_still_served(db: Database, database_url: str) -> None:
    """Redis away is degraded, not down: PostgreSQL holds all work."""
    with staff_site.running(db, database_url=database_url, redis_url=NO_REDIS) as site:
        assert ready(site) == (200, {"status": "degraded", "database": "ok", "redis": "away"})


def test_without_the_database_not_ready_but_live(redis_url: str) -> None:
    """A load balancer sends nobody; an orchestrator does not restart; metrics say so."""
    away = Database(NO_DATABASE)
    with staff_site.running(away, database_url=NO_DATABASE, redis_url=redis_url) as site:
        assert ready(site) == (503, {"status": "not ready", "database": "away", "redis": "ok"})
        assert site.browser().get("/health/live").status_code == 200
        found = metrics_of(site.browser().get("/metrics").text)
    assert found == {"baraza_database_up_bool": 0}


def test_another_schema_is_not_ready(site: Site, owner_db: Database) -> None:
    """Code that is older or newer than the database must not serve members."""
    with owner_db.transaction() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = 'other'"))
    assert ready(site) == (
        503,
        {"status": "not ready", "database": "other schema", "redis": "ok"},
    )


def test_a_slow_database_is_not_ready_within_about_a_second(site: Site, owner_db: Database) -> None:
    """The answer does not wait for a database that hangs, and asks it only once meanwhile."""
    with owner_db.transaction() as tx:
        tx.execute(sa.text("LOCK TABLE alembic_version"))
        for _ in range(2):
            status, verdict = ready(site)
            assert (status, verdict["database"]) == (503, "slow")
    for _ in range(50):
        if ready(site)[0] == 200:
            break
    assert ready(site)[0] == 200


def test_the_head_that_is_read_without_alembic_is_alembics() -> None:
    """The shortcut that saves memory tells what Alembic would."""
    assert health.code_head() == head()


def test_metrics_of_an_empty_installation(site: Site) -> None:
    """Every state has a line from the first scrape on, so that alerts have something to watch."""
    found = metrics_of(site.browser().get("/metrics").text)
    assert found.pop("baraza_scrape_duration_seconds") > 0
    states = {name for name in found if name.startswith("baraza_open_payouts_count|")}
    assert len(states) == 6
    assert {
        "baraza_in_transit_cents", "baraza_oldest_in_doubt_age_seconds",
        "baraza_messages_waiting_count", "baraza_inbox_waiting_count",
        "baraza_dead_letters_count", "baraza_workers_alive_count",
    } <= found.keys()  # fmt: skip
    assert {name for name, value in found.items() if value} == {"baraza_database_up_bool"}


def test_metrics_count_what_is_there(site: Site, owner_db: Database) -> None:
    """A payout in doubt, a waiting SMS, a filed callback, one live and one silent worker."""
    with owner_db.transaction() as tx:
        # Written past the guards: this is about counting, not about how a payout gets there.
        tx.execute(sa.text("SET session_replication_role = replica"))
        tx.execute(sa.text(PAYOUT_IN_DOUBT))
        tx.execute(sa.text(WAITING))
        tx.execute(sa.text("SET session_replication_role = origin"))
    found = metrics_of(site.browser().get("/metrics").text)
    assert found["baraza_open_payouts_count|in_doubt"] == 1
    assert found["baraza_ended_payouts_last_day_count|paid"] == 0
    assert found["baraza_oldest_in_doubt_age_seconds"] == pytest.approx(600, abs=30)
    assert found["baraza_messages_waiting_count"] == 1
    assert found["baraza_inbox_waiting_count"] == 1
    assert found["baraza_dead_letters_count"] == 1
    assert found["baraza_workers_alive_count"] == 1
    assert found["baraza_worker_heartbeat_age_seconds|silent"] == pytest.approx(3600, abs=30)
    with owner_db.transaction() as tx:
        read = numbers.read(tx)
    assert read.open_count == 1


def test_metrics_are_for_this_machine_or_the_token(site: Site) -> None:
    """What a proxy passed on needs the token; a wrong one is as good as none."""
    browser = site.browser()
    token = load({}).door_token("metrics")
    passed_on = {"X-Forwarded-For": "203.0.113.9"}
    answers = [
        browser.get("/metrics", **headers).status_code
        for headers in (
            {},
            passed_on,
            passed_on | {"Authorization": "Bearer wrong"},
            passed_on | {"Authorization": f"Bearer {token}"},
        )
    ]
    assert answers == [200, 404, 404, 200]


PAYOUT_IN_DOUBT = """
    INSERT INTO payout (id, reference, quote_id, member_id, account_id, msisdn, language,
                        amount_cents, fee_cents, duty_cents, reserve_id, resolve_id, state,
                        state_since)
    VALUES (gen_random_uuid(), 'BRZ2345678', gen_random_uuid(), 1, 1, '+254712345678', 'en',
            100000, 1500, 225, gen_random_uuid(), gen_random_uuid(), 'in_doubt',
            now() - interval '10 minutes')
"""
WAITING = """
    INSERT INTO message (id, kind, member_id, msisdn, language, body)
    VALUES (gen_random_uuid(), 'sent', 1, '+254712345678', 'en', 'x');
    INSERT INTO inbox (kind, payout_id, sha256, body, source)
    VALUES ('b2c_result', gen_random_uuid(), 'x', '{}', '127.0.0.1');
    INSERT INTO dead_letter (payout_id, step, reason) SELECT id, 'pay', 'x' FROM payout;
    INSERT INTO worker_heartbeat (name, queues, beat_at)
    VALUES ('alive', 'pay', now()), ('silent', 'pay', now() - interval '1 hour')
"""
