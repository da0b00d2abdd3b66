"""RQ's dashboard behind our shield: read-only, escaped, JSON only, for the right people."""

import base64
import pickle
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from redis import Redis
from rq import Queue
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from werkzeug.routing import Rule

from app.db import Database
from app.doorbell import Step
from app.redis_client import connect
from app.staff import dashboard
from app.staff.accounts import Role
from tests.support import staff_site
from tests.support.staff_site import Browser, Site

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture
def site(db: Database, database_url: str, redis_url: str) -> Iterator[Site]:
    with staff_site.running(db, database_url=database_url, redis_url=redis_url) as running:
        yield running


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    client = connect(redis_url)
    yield client
    client.close()


@pytest.fixture
def ops(site: Site) -> Browser:
    """The browser of a signed-in engineer."""
    browser = site.browser()
    browser.sign_in(site.hire())
    return browser


def rules(site: Site) -> list[Rule]:
    return [r for r in site.app.url_map.iter_rules() if r.endpoint.startswith("rq_dashboard.")]


def address(rule: Rule) -> str:
    """An address that fits the rule and the shield's limits."""
    sample = {
        "instance_number": "0", "registry_name": "queued", "order": "asc", "per_page": "8",
        "page": "1", "queue_name": "pay", "job_id": "known", "filename": "css/main.css",
    }  # fmt: skip
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda m: sample[m.group(1)], rule.rule)


def data_addresses(job_id: str) -> list[str]:
    registries = ("queued", "started", "failed", "finished", "deferred", "scheduled", "canceled")
    jobs = [f"/staff/rq/0/data/jobs/pay/{name}/8/dsc/1.json" for name in registries]
    single = [f"/staff/rq/0/data/job/{job_id}.json", f"/staff/rq/0/view/job/{job_id}"]
    return [*jobs, *single, "/staff/rq/0/data/queues.json", "/staff/rq/0/data/workers.json"]


def enqueue(redis: Redis, **facts: Any) -> Job:
    queue = Queue(Step.PAY, connection=redis, serializer=JSONSerializer)
    return queue.enqueue("workers.jobs.pay", **{"job_id": "known", "description": "pay", **facts})


@dataclass
class Trap:
    """A pickle that leaves a file behind when anybody opens it."""

    file: Path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.file,))


def worker_command(redis_url: str) -> list[str]:
    """RQ's own worker, of the kind that Baraza uses."""
    options = ["--serializer", "json", "--worker-class", "rq.SimpleWorker", "--quiet"]
    return [sys.executable, "-m", "rq.cli", "worker", "--url", redis_url, *options, Step.PAY]


@contextmanager
def busy_worker(redis: Redis, redis_url: str, **facts: Any) -> Iterator[Job]:
    """A real worker that is at a real job, called `known`, for as long as the block."""
    queue = Queue(Step.PAY, connection=redis, serializer=JSONSerializer)
    facts = {"job_id": "known", "description": "pay", **facts}
    job = queue.enqueue("time.sleep", 60, **facts)
    process = subprocess.Popen(worker_command(redis_url))
    try:
        deadline = time.monotonic() + 15
        while job.get_status() != JobStatus.STARTED and time.monotonic() < deadline:
            time.sleep(0.05)
        assert job.get_status() == JobStatus.STARTED
        yield job
    finally:
        process.kill()
        process.wait()


def test_each_rule_of_the_blueprint_is_either_read_or_refused(site: Site, ops: Browser) -> None:
    """A new version of the dashboard cannot bring a door that nobody has looked at."""
    known_to_change = {
        "delete_job_view", "requeue_job_view", "requeue_all", "empty_queue", "compact_queue",
    }  # fmt: skip
    endpoints = {rule.endpoint.removeprefix("rq_dashboard.") for rule in rules(site)}
    assert endpoints == dashboard.READS | known_to_change
    for rule in rules(site):
        changes = rule.endpoint.removeprefix("rq_dashboard.") in known_to_change
        assert changes or rule.methods == {"GET", "HEAD", "OPTIONS"}, rule
        if changes and "GET" in (rule.methods or ()):
            assert ops.get(address(rule)).status_code == 405
        if changes:
            assert ops.send(address(rule)).status_code == 403


def test_refused_changes_change_nothing_and_are_recorded(
    ops: Browser, site: Site, redis: Redis
) -> None:
    """Neither a click nor an image tag in another page requeues or deletes."""
    job = enqueue(redis)
    queue = Queue(Step.PAY, connection=redis, serializer=JSONSerializer)
    queue.remove(job)
    queue.failed_job_registry.add(job, ttl=600, exc_string="boom")
    assert ops.get("/staff/rq/requeue/pay").status_code == 405
    assert ops.send("/staff/rq/requeue/pay").status_code == 403
    assert ops.send("/staff/rq/job/known/delete").status_code == 403
    assert queue.failed_job_registry.get_job_ids() == ["known"]
    assert queue.get_job_ids() == []
    with site.db.transaction() as tx:
        rows = tx.execute(
            sa.text(
                "SELECT detail FROM staff_action WHERE action = 'dashboard_refused' ORDER BY id"
            )
        ).all()
    assert [(row.detail["method"], row.detail["endpoint"]) for row in rows] == [
        ("GET", "requeue_all"),
        ("POST", "requeue_all"),
        ("POST", "delete_job_view"),
    ]


def test_strangers_see_nothing_at_all(site: Site) -> None:
    """Pages lead to the sign-in; data, files and changes answer 401."""
    stranger = site.browser()
    for rule in rules(site):
        name = rule.endpoint.removeprefix("rq_dashboard.")
        answer = stranger.get(address(rule))
        allowed = {302} if name in dashboard.PAGES else {401, 405}
        assert answer.status_code in allowed, rule
        if "POST" in (rule.methods or ()):
            assert stranger.send(address(rule)).status_code == 401, rule


def test_only_ops_and_managers_look_at_queues(site: Site) -> None:
    """Everybody else is told so, and each try is recorded."""
    found = {}
    for role in Role:
        browser = site.browser()
        browser.sign_in(site.hire(f"{role}@sacco.example", role))
        found[role] = browser.get("/staff/rq/").status_code
    may, may_not = {Role.OPS, Role.MANAGER}, set(Role) - {Role.OPS, Role.MANAGER}
    assert found == dict.fromkeys(may, 200) | dict.fromkeys(may_not, 403)
    with site.db.transaction() as tx:
        refused = tx.scalar(
            sa.text("SELECT count(*) FROM staff_action WHERE action = 'dashboard_refused'")
        )
    assert refused == len(may_not)


def test_all_reads_work_with_a_busy_worker(
    ops: Browser, redis: Redis, redis_url: str, site: Site
) -> None:
    """Every page and every data address answers while a worker is at a JSON job."""
    with busy_worker(redis, redis_url):
        for rule in rules(site):
            if rule.endpoint.removeprefix("rq_dashboard.") in dashboard.READS:
                assert ops.get(address(rule)).status_code == 200, rule
        (worker,) = ops.get("/staff/rq/0/data/workers.json").json()["workers"]
        queues = ops.get("/staff/rq/0/data/queues.json").json()["queues"]
    assert worker["current_job"]["description"] == "pay"
    assert (worker["state"], worker["queues"]) == ("busy", ["pay"])
    assert [(q["name"], q["started_job_registry_count"]) for q in queues] == [("pay", 1)]


def test_no_pickle_is_ever_opened(
    ops: Browser, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    """Programs planted in every field of a job stay asleep, and the pages still answer."""
    trap = pickle.dumps(Trap(tmp_path / "sprung"))
    with busy_worker(redis, redis_url) as job:
        redis.hset(job.key, mapping={"data": trap, "meta": trap, "result": trap})
        result = {
            "return_value": base64.b64encode(trap), "type": "1", "id": "r", "job_id": job.id,
            "created_at": "2026-11-23T00:00:00.000000Z",
        }  # fmt: skip
        redis.xadd(f"rq:results:{job.id}", result)
        for registry in ("queued", "failed", "finished", "deferred", "scheduled", "canceled"):
            key = f"rq:queue:{Step.PAY}" if registry == "queued" else f"rq:{registry}:{Step.PAY}"
            (redis.lpush(key, job.id) if registry == "queued" else redis.zadd(key, {job.id: 9e9}))
        statuses = {path: ops.get(path).status_code for path in data_addresses(job.id)}
        workers = ops.get("/staff/rq/0/data/workers.json").json()["workers"]
    assert not (tmp_path / "sprung").exists()
    assert [w["current_job"]["job_id"] for w in workers] == ["known"]
    # Only the single job has nothing to show; no list is spoiled by one bad job.
    assert {path for path, status in statuses.items() if status != 200} == {
        "/staff/rq/0/data/job/known.json"
    }
    pickle.loads(trap)  # noqa: S301 - shows that the trap works
    assert (tmp_path / "sprung").exists()


def test_what_comes_from_jobs_is_escaped(ops: Browser, redis: Redis, redis_url: str) -> None:
    """Templates print data with the escaping mark only, and JSON answers are no pages."""
    with busy_worker(redis, redis_url, description=HOSTILE, meta={"note": HOSTILE}):
        for path in ("/view/queues", "/view/workers", "/view/job/known",
                     "/view/jobs/pay/queued/8/asc/1"):  # fmt: skip
            page = ops.get(f"/staff/rq/0{path}").text
            assert "<%=" not in page
            assert "<%-" in page
            assert HOSTILE not in page
        for path in data_addresses("known"):
            answer = ops.get(path)
            if "/data/" in path:
                assert answer.headers["Content-Type"] == "application/json"
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert ops.get("/staff/rq/0/data/job/known.json").json()["description"] == HOSTILE


def test_only_our_script_may_run(ops: Browser) -> None:
    """The policy names a nonce that is new in each answer; no inline script without it."""
    first, second = ops.get("/staff/rq/"), ops.get("/staff/rq/")
    policies = [answer.headers["Content-Security-Policy"] for answer in (first, second)]
    assert policies[0] != policies[1]
    assert "unsafe-inline" not in policies[0]
    assert "frame-ancestors 'none'" in policies[0]
    found = re.search(r"'nonce-([^']+)'", policies[0])
    assert found
    inline = re.findall(r"<script(?![^>]*(?:src=|type=\"text/template\"))[^>]*>", first.text)
    assert inline == [f'<script nonce="{found.group(1)}">']
    assert not re.search(r'\s(?:on\w+|style)="', first.text)
    assert first.headers["Cache-Control"] == "no-store"
    assert "var POLL_INTERVAL = 10000;" in first.text


def test_phone_numbers_in_tracebacks_are_masked(ops: Browser, redis: Redis, redis_url: str) -> None:
    """Whatever an exception carried, the page shows numbers that nobody can call."""
    queue = Queue(Step.PAY, connection=redis, serializer=JSONSerializer)
    queue.enqueue("builtins.int", "+254712345678 said no", job_id="known", description="pay")
    subprocess.run([*worker_command(redis_url), "--burst"], check=True, timeout=20)
    (line,) = ops.get("/staff/rq/0/data/jobs/pay/failed/8/dsc/1.json").json()["jobs"]
    assert line["exc_info"].endswith("with base 10: '0712***678 said no'\n")
    assert "254712345678" not in ops.get("/staff/rq/0/data/job/known.json").text


ODD_ADDRESSES = (
    "/1/view/queues",
    "/0/view/job/unknown",
    "/0/data/job/unknown.json",
    "/0/data/jobs/pay/nonsense/8/asc/1.json",
    "/0/data/jobs/pay/queued/0/asc/1.json",
    "/0/data/jobs/pay/queued/eight/asc/1.json",
    "/0/data/jobs/pay/queued/100000/asc/1.json",
    "/0/data/jobs/pay/queued/8/sideways/1.json",
    "/0/view/jobs/'%5C/queued/8/asc/1",
    "/0/view/job/%3Cscript%3E",
)


def test_odd_addresses_are_not_found(ops: Browser) -> None:
    """No 500, no second Redis, no text that could break out of a script."""
    found = {path: ops.get(f"/staff/rq{path}").status_code for path in ODD_ADDRESSES}
    assert found == dict.fromkeys(ODD_ADDRESSES, 404)


def test_polling_does_not_keep_a_session_alive(ops: Browser, redis: Redis) -> None:
    """A forgotten browser window ends after 15 minutes although it refreshes itself."""
    enqueue(redis)
    ops.age_session(seen_at=14 * 60)
    assert ops.get("/staff/rq/0/data/queues.json").status_code == 200
    ops.age_session(seen_at=2 * 60)
    assert ops.get("/staff/rq/0/data/queues.json").status_code == 401


def test_without_redis_pages_say_so(db: Database, database_url: str) -> None:
    """Status 503 and a sentence about payouts, for people and for scripts."""
    nowhere = "redis://127.0.0.1:1/0"
    with staff_site.running(db, database_url=database_url, redis_url=nowhere) as site:
        browser = site.browser()
        browser.sign_in(site.hire())
        pages = [browser.get(f"/staff/rq{path}") for path in ("/", "/0/view/workers")]
        data = browser.get("/staff/rq/0/data/queues.json")
    assert [page.status_code for page in pages] == [503, 503]
    assert all("Payouts are safe" in page.text for page in pages)
    assert (data.status_code, data.json()) == (503, {"error": "Redis does not answer"})
