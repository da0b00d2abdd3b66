"""The doors of the phone page: where it is, who may use it, what it reads, what it may end."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import config, playground, redis_client
from app.channels.doors import doors_of
from app.config import Settings
from app.db import Database
from app.operations.context import context
from app.operations.state_titles import TITLES
from app.payouts.states import State
from app.phone_page import acts, feed, payout_view, processes
from app.phone_page.people import STRANGER
from app.wsgi import create_app
from tests.support.folders import passable_folder
from tests.support.http_script import Reply, closed_port, scripted_server
from tests.support.sandbox import SandboxProcess
from tests.support.stack import free_ports, wait_for
from tests.support.stories import AMOUNT_CENTS, Person, Stories
from tests.support.supervised import child, supervised
from tests.unit.test_config import PRODUCTION
from workers.heartbeat import name_of_this_process

WRITE = {"X-Sandbox": "1"}
HERE = "http://127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what must not have the page


def nowhere() -> dict[str, str]:
    """Servers at which nobody answers."""
    gone = f"127.0.0.1:{closed_port()}"
    return {"DATABASE_URL": f"postgresql://x:y@{gone}/z", "REDIS_URL": f"redis://{gone}/0"}


@contextmanager
def page(settings: Settings) -> Iterator[FlaskClient]:
    """The application's doors, without a network between."""
    app = create_app(settings)
    yield app.test_client()
    doors_of(app).db.close()


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    """An installation with the sandbox."""
    return config.load(
        {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "BARAZA_VAR": str(tmp_path),
            "PORT": str(free_ports()),
            "STAFF_PAGES": "false",
        }
    )


@pytest.fixture(scope="module")
def bare() -> Iterator[FlaskClient]:
    """A browser at a page whose servers are all away: enough to be refused."""
    with page(config.load({**nowhere(), "STAFF_PAGES": "false", "PORT": str(free_ports())})) as one:
        yield one


@pytest.fixture
def client(settings: Settings) -> Iterator[FlaskClient]:
    """A browser at the page."""
    with page(settings) as made:
        yield made


@pytest.fixture
def stories(db: Database, redis_url: str) -> Stories:
    """Members and payouts."""
    return Stories(db, redis_url)


def get(client: FlaskClient, path: str, **query: str) -> Any:
    """What a door shows."""
    answer = client.get(path, query_string=query, base_url=HERE)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def post(client: FlaskClient, path: str, **body: Any) -> TestResponse:
    """A change, as the page makes it."""
    return client.post(path, json=body, headers=WRITE, base_url=HERE)


def phone_of(db: Database, reference: str) -> str:
    """The number that a payout goes to."""
    with db.transaction() as tx:
        query = sa.text("SELECT msisdn FROM payout WHERE reference = :reference")
        return str(tx.scalar(query, {"reference": reference}))


# Where it is.


@pytest.mark.parametrize(
    "others",
    [
        PRODUCTION,
        {"DARAJA_URL": "https://sandbox.safaricom.co.ke"},
        {"AT_URL": "https://api.sandbox.africastalking.com"},
        {"HOST": EVERYWHERE},
        {"HOST": "::"},
        {"HOST": "192.168.1.10"},
        {"TRUSTED_PROXIES": "1"},
    ],
)
def test_real_money_real_providers_and_open_addresses_have_no_such_page(
    others: dict[str, str],
) -> None:
    settings = config.load({**others, **nowhere()})
    assert not playground.fits(settings)
    with page(settings) as client:
        rules = {rule.rule for rule in client.application.url_map.iter_rules()}
        assert not any("sandbox" in rule for rule in rules)
        assert client.get("/", base_url=HERE).headers["Location"] == "/staff"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.2"])
def test_loopback_has_it(host: str) -> None:
    assert playground.fits(config.load({"HOST": host}))


def test_the_front_door_leads_to_the_page(bare: FlaskClient) -> None:
    assert bare.get("/", base_url=HERE).headers["Location"] == "/sandbox/phone"


def test_without_page_and_staff_the_front_door_says_so() -> None:
    settings = config.load({**nowhere(), "HOST": EVERYWHERE, "STAFF_PAGES": "false"})
    with page(settings) as client:
        answer = client.get("/", base_url=HERE)
        assert (answer.status_code, answer.mimetype) == (200, "text/plain")


# Who may use it.


@pytest.mark.parametrize("host", ["evil.example", "192.168.1.10:8000", "127.0.0.1.evil.example"])
def test_a_foreign_name_that_leads_here_is_refused(bare: FlaskClient, host: str) -> None:
    """DNS rebinding: the page of that name would be of our origin."""
    for path in ("/sandbox/phone", "/sandbox/start", "/sandbox/static/app.js"):
        assert bare.get(path, base_url=f"http://{host}").status_code == 403


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000"])
def test_this_machines_own_names_are_answered(bare: FlaskClient, host: str) -> None:
    assert bare.get("/sandbox/static/nothing", base_url=f"http://{host}").status_code == 404


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Forwarded-Host"])
def test_what_came_through_a_proxy_is_refused(bare: FlaskClient, header: str) -> None:
    """A tunnel makes our loopback the world's."""
    answer = bare.get("/sandbox/start", base_url=HERE, headers={header: "127.0.0.1"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "path", ["/sandbox/do/wipe-redis", "/sandbox/network/handset/dial", "/sandbox/mpesa/faults"]
)
def test_a_change_without_our_header_is_refused(bare: FlaskClient, path: str) -> None:
    """Which no other origin can send without asking, and nobody answers its question."""
    assert bare.post(path, json={}, base_url=HERE).status_code == 403
    asked = bare.options(path, base_url=HERE, headers={"Origin": "https://evil.example"})
    assert not [name for name, _ in asked.headers if name.startswith("Access-Control")]


def test_the_browser_may_fetch_nothing_from_elsewhere(bare: FlaskClient) -> None:
    answer = bare.get("/sandbox/start", base_url=HERE)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


# What it passes on.


def test_only_the_phones_and_the_faults_doors_are_open(bare: FlaskClient) -> None:
    for method, path in (
        ("POST", "/sandbox/mpesa/mpesa/b2c/v3/paymentrequest"),
        ("POST", "/sandbox/mpesa/portal/float"),
        ("POST", "/sandbox/mpesa/intruder"),
        ("GET", "/sandbox/mpesa/oauth/v1/generate"),
        ("POST", "/sandbox/network/version1/messaging"),
        ("GET", "/sandbox/network/handset/dial"),
        ("GET", "/sandbox/network/handset/sessions"),
        ("DELETE", "/sandbox/mpesa/truth/paid"),
        ("DELETE", "/sandbox/mpesa/faults/1/2"),
        ("GET", "/sandbox/mpesa/../truth/paid"),
    ):
        answer = bare.open(path, method=method, headers=WRITE, base_url=HERE)
        assert answer.status_code == 404, path


def test_a_stand_in_that_is_away_is_said_with_the_cure(bare: FlaskClient) -> None:
    answer = post(bare, "/sandbox/network/handset/dial", phone="+254712345678")
    assert answer.status_code == 502
    assert "make run" in answer.get_json()["error"]


def test_a_body_that_is_too_long_goes_nowhere(bare: FlaskClient) -> None:
    answer = post(bare, "/sandbox/mpesa/faults", do="x" * 40_000)
    assert answer.status_code == 413


def test_phone_and_faults_reach_the_stand_ins(bare: FlaskClient, tmp_path: Path) -> None:
    """Answers and refusals come back as they are."""
    with scripted_server() as baraza:
        baraza.on("/ussd", Reply(200, b"CON Karibu", "text/plain"))
        gateway = SandboxProcess(
            "africastalking", "sms", tmp_path,
            ("--ussd-url", f"{baraza.url}/ussd", "--delivery-url", f"{baraza.url}/none"),
            port=context(bare.application).settings.port + 2,
        )  # fmt: skip
        gateway.start()
        try:
            screen = post(bare, "/sandbox/network/handset/dial", phone="+254712345678").get_json()
            assert (screen["body"], screen["septets"]) == ("CON Karibu", 6)
            nobody = post(bare, "/sandbox/network/handset/dial", phone="0712345678", code="*1#")
            assert nobody.status_code == 404
            assert "nobody answers" in nobody.get_json()["error"]
            added = post(bare, "/sandbox/network/faults", match={"api": "sms"}, do="report_never")
            assert added.status_code == 201
            listed = get(bare, "/sandbox/network/faults")
            assert [one["do"] for one in listed] == ["report_never"]
            inbox = get(bare, "/sandbox/network/handset/inbox", phone="+254712345678")
            assert inbox == []
        finally:
            gateway.stop()


# What it reads.


def test_a_withdrawal_is_told_in_full_to_whoever_asks_for_her_phone(
    client: FlaskClient, stories: Stories, db: Database
) -> None:
    reference = stories.paid()
    told = get(client, "/sandbox/feed", phone=phone_of(db, reference))
    payout = told["payout"]
    assert (payout["reference"], payout["state"], payout["is_open"]) == (reference, "paid", False)
    assert [step["status"] for step in payout["steps"]] == ["done"] * 5
    assert payout["waits"] is None
    assert payout["money"].startswith("M-PESA paid KES 1,500.00")
    assert {line["entry"] for line in payout["ledger"]} == {"reserve", "settle"}
    debits = sum(line["debit_cents"] or 0 for line in payout["ledger"])
    assert debits == sum(line["credit_cents"] or 0 for line in payout["ledger"])
    assert told["savings_cents"] == 50_000_00 - payout["total_cents"]
    assert told["in_transit_cents"] == 0
    assert [sms["kind"] for sms in payout["sms"]] == ["sent"]
    assert {line["who"] for line in payout["timeline"]} >= {"member", "Baraza", "M-PESA", "SMS"}


def test_an_open_withdrawal_says_why_it_waits_and_for_what(
    client: FlaskClient, stories: Stories, db: Database
) -> None:
    reference = stories.submitted()
    told = get(client, "/sandbox/feed", phone=phone_of(db, reference))
    waits = told["payout"]["waits"]
    assert waits["why"] == "M-PESA has the request and has not said how it ended."
    assert "ask" in {timer["what"] for timer in waits["next"]}
    due = [timer["at"] for timer in waits["next"]]
    assert due == sorted(due)
    assert told["in_transit_cents"] == told["payout"]["total_cents"] > AMOUNT_CENTS


def test_a_stop_is_the_reason_for_what_was_not_sent_and_for_nothing_else(
    client: FlaskClient, stories: Stories, db: Database
) -> None:
    sent, unsent = stories.submitted(), stories.requested()
    post(client, "/sandbox/do/stop-withdrawals")

    def why(reference: str) -> str:
        told = get(client, "/sandbox/feed", phone=phone_of(db, reference))
        return str(told["payout"]["waits"]["why"])

    assert why(unsent) == "Withdrawals are stopped. Nothing was sent."
    assert why(sent).startswith("M-PESA has the request")


def test_every_state_can_be_told(client: FlaskClient, stories: Stories, db: Database) -> None:
    """No state without its words, rail and reason."""
    for state, reference in stories.one_of_each().items():
        payout = get(client, "/sandbox/feed", phone=phone_of(db, reference))["payout"]
        assert payout["state"] == state
        marked = [step for step in payout["steps"] if step["name"] == state]
        assert [step["at"] is not None for step in marked] == [True]
        assert (payout["waits"] is not None) == payout["is_open"]


def test_the_rail_leaves_out_what_was_passed_over() -> None:
    """A call that ended in doubt was never known to be taken."""
    start = datetime(2026, 11, 23, tzinfo=UTC)
    way = (State.REQUESTED, State.RESERVED, State.SUBMITTING, State.IN_DOUBT)
    reached = {state: start + timedelta(seconds=n) for n, state in enumerate(way)}
    rail = [(s["name"], s["status"]) for s in payout_view.steps(State.IN_DOUBT, reached)]
    assert rail == [
        ("requested", "done"), ("reserved", "done"), ("submitting", "done"), ("in_doubt", "now"),
        ("paid", "ahead"),
    ]  # fmt: skip
    reached[State.REVERSED] = start + timedelta(seconds=9)
    rail = [(s["name"], s["status"]) for s in payout_view.steps(State.REVERSED, reached)]
    assert rail[-2:] == [("in_doubt", "done"), ("reversed", "bad")]


def test_every_state_has_a_word_and_every_open_one_a_reason() -> None:
    assert set(TITLES) == set(State)


def test_nothing_new_is_said_in_few_words(
    client: FlaskClient, stories: Stories, db: Database
) -> None:
    reference = stories.submitted()
    phone = phone_of(db, reference)
    first = get(client, "/sandbox/feed", phone=phone)
    again = get(client, "/sandbox/feed", phone=phone, after=first["cursor"])
    assert {**again, "now": ""} == {"cursor": first["cursor"], "now": "", "unchanged": True}
    stories.pay(reference)
    moved = get(client, "/sandbox/feed", phone=phone, after=first["cursor"])
    assert moved["payout"]["state"] == "paid"
    assert moved["cursor"] != first["cursor"]


def test_another_members_withdrawal_is_not_told(
    client: FlaskClient, stories: Stories, db: Database
) -> None:
    hers, his = stories.paid(), stories.reversed()
    told = get(client, "/sandbox/feed", phone=phone_of(db, hers), reference=his)
    assert told["payout"]["reference"] == hers
    assert phone_of(db, his) not in json.dumps(told)
    assert phone_of(db, hers) not in json.dumps(told)


def test_an_earlier_withdrawal_can_be_chosen(
    client: FlaskClient, stories: Stories, db: Database
) -> None:
    first = stories.paid()
    with db.transaction() as tx:
        member = tx.execute(
            sa.text("SELECT member_id, account_id FROM payout WHERE reference = :r"), {"r": first}
        ).one()
    second = stories.requested(
        Person(member.member_id, member.account_id, phone_of(db, first)), cents=100_00
    )
    phone = phone_of(db, first)
    told = get(client, "/sandbox/feed", phone=phone)
    assert [one["reference"] for one in told["payouts"]] == [second, first]
    assert told["payout"]["reference"] == second
    chosen = get(client, "/sandbox/feed", phone=phone, reference=first)
    assert chosen["payout"]["reference"] == first


def test_a_stranger_and_a_slip(client: FlaskClient) -> None:
    told = get(client, "/sandbox/feed", phone=STRANGER["phone"])
    assert (told["member"], told["payout"], told["savings_cents"]) == (None, None, None)
    assert told["can_kill"] == []
    wrong = client.get("/sandbox/feed?phone=12", base_url=HERE)
    assert wrong.status_code == 400
    assert wrong.get_json()["error"]


def test_the_lamp_is_green_and_turns_red_by_name(
    client: FlaskClient, stories: Stories, owner_db: Database, db: Database
) -> None:
    """A superuser writes to a row; the next look says which rule is broken."""
    phone = phone_of(db, stories.paid())
    lamp = get(client, "/sandbox/feed", phone=phone)["lamp"]
    assert (lamp["green"], lamp["broken"]) == (True, [])
    assert lamp["rules"] >= 31
    with owner_db.transaction() as tx:
        tx.exec_driver_sql("SET LOCAL session_replication_role = replica")
        tx.exec_driver_sql("UPDATE message SET msisdn = '+254700000000'")
    client.application.extensions[feed.EXTENSION]._lamp._due = 0
    lamp = get(client, "/sandbox/feed", phone=phone)["lamp"]
    assert not lamp["green"]
    assert ["goes to its member's number" in broken["name"] for broken in lamp["broken"]] == [True]


def test_servers_that_are_away_are_told(database_url: str) -> None:
    away = {**nowhere(), "STAFF_PAGES": "false"}
    with page(config.load({**away, "DATABASE_URL": database_url})) as client:
        told = get(client, "/sandbox/feed", phone="+254712345678")
        assert told["redis"] == "away"
        assert post(client, "/sandbox/do/wipe-redis").status_code == 409
    with page(config.load(away)) as client:
        answer = client.get("/sandbox/feed?phone=0712345678", base_url=HERE)
        assert answer.status_code == 503
        assert "PostgreSQL" in answer.get_json()["error"]


# What it may end.


def test_redis_is_emptied(client: FlaskClient, redis_url: str) -> None:
    redis = redis_client.connect(redis_url)
    redis.set("anything", 1)
    done = post(client, "/sandbox/do/wipe-redis").get_json()["done"]
    assert "emptied" in done
    assert redis.dbsize() == 0
    redis.close()


def test_withdrawals_are_stopped_and_resumed_on_record(client: FlaskClient, db: Database) -> None:
    def stop() -> Any:
        return get(client, "/sandbox/feed", phone="+254712345678")["stop"]

    assert post(client, "/sandbox/do/resume-withdrawals").status_code == 409
    post(client, "/sandbox/do/stop-withdrawals")
    assert stop()["by"] == "phone page (sandbox)"
    post(client, "/sandbox/do/resume-withdrawals")
    assert stop() is None
    with db.transaction() as tx:
        acts = list(tx.scalars(sa.text("SELECT action FROM staff_action ORDER BY id")))
    assert acts == ["withdrawals_stopped", "withdrawals_resumed"]


def test_an_unknown_act_is_none(bare: FlaskClient) -> None:
    assert post(bare, "/sandbox/do/format-disk").status_code == 404


def test_every_act_is_told_in_words() -> None:
    told = acts.described()
    assert {act["name"] for act in told} >= {"kill-pay", "kill-parent", "wipe-redis"}
    assert all(act[word] for act in told for word in ("title", "happens", "must_be_seen"))


FAMILY = """
import os, sys, time
pids = []
for _ in range(2):
    pid = os.fork()
    if not pid:
        time.sleep(60)
        os._exit(0)
    pids.append(pid)
print(*pids, flush=True)
time.sleep(60)
"""


@pytest.fixture
def family(tmp_path: Path) -> Iterator[tuple[psutil.Process, list[psutil.Process]]]:
    """A process with two children, as the supervisor would have recorded it."""
    parent = subprocess.Popen([sys.executable, "-c", FAMILY], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    children = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
    known = psutil.Process(parent.pid)
    (tmp_path / "processes.json").write_text(
        json.dumps([[parent.pid, known.create_time(), "worker"]]), "utf-8"
    )
    yield known, children
    for one in (*children, known):
        if one.is_running():
            os.kill(one.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()


def beats(db: Database, group: str, pid: int) -> None:
    """A worker of this group says that it lives."""
    with db.transaction() as tx:
        tx.execute(
            sa.text("INSERT INTO worker_heartbeat (name, queues) VALUES (:name, 'x')"),
            {"name": f"{group}-some-host-{pid}-0a1b2c3d"},
        )


def ended(process: psutil.Process) -> bool:
    """Whether it runs no more."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_the_worker_of_a_group_is_killed_and_no_other(
    client: FlaskClient, db: Database, family: tuple[psutil.Process, list[psutil.Process]]
) -> None:
    parent, (pay, talk) = family
    beats(db, "pay", pay.pid)
    beats(db, "talk", talk.pid)
    told = get(client, "/sandbox/feed", phone="+254712345678")
    assert set(told["can_kill"]) == {"pay", "money", "talk", "clock", "parent"}
    assert [one["name"] for one in told["workers"]] == ["pay", "talk"]
    done = post(client, "/sandbox/do/kill-pay").get_json()["done"]
    assert str(pay.pid) in done
    assert wait_for("the worker's end", lambda: ended(pay))
    assert not ended(talk)
    assert not ended(parent)
    assert post(client, "/sandbox/do/kill-money").status_code == 409


def test_the_parent_of_all_is_killed(
    tmp_path: Path, family: tuple[psutil.Process, list[psutil.Process]]
) -> None:
    parent, _ = family
    assert processes.kill(tmp_path, "parent", workers=[]) == parent.pid
    assert wait_for("the parent's end", lambda: ended(parent))


def test_a_heartbeat_that_names_a_foreign_process_kills_nobody(
    tmp_path: Path, family: tuple[psutil.Process, list[psutil.Process]]
) -> None:
    """Whoever can write to the table must not choose whom we kill: not us, not our parent."""
    workers = [f"pay-some-host-{pid}-0a1b2c3d" for pid in (os.getpid(), os.getppid(), 1)]
    with pytest.raises(processes.NotOurs):
        processes.kill(tmp_path, "pay", workers=workers)


def test_an_id_that_was_given_to_another_process_is_not_hurt(
    tmp_path: Path, family: tuple[psutil.Process, list[psutil.Process]]
) -> None:
    parent, _ = family
    (tmp_path / "processes.json").write_text(
        json.dumps([[parent.pid, parent.create_time() - 60, "worker"]]), "utf-8"
    )
    with pytest.raises(processes.NotOurs):
        processes.kill(tmp_path, "parent", workers=[])
    assert not ended(parent)


def test_what_the_supervisor_records_can_be_killed_and_runs_again(tmp_path: Path) -> None:
    """The page reads the supervisor's own record, not a copy of its form."""
    with passable_folder() as folder:
        var = folder / "var"
        with supervised(var, [child(var, processes.PARENT)]) as run:
            run.wait_for("ready")
            run.wait_for_starts(1)
            killed = run.children()[processes.PARENT].pid
            assert processes.kill(var, "parent", workers=[]) == killed
            run.wait_for(f"{processes.PARENT} ended (-9)")
            run.wait_for_starts(2)
            assert processes.is_supervised(var)


def test_without_baraza_up_nothing_can_be_killed(tmp_path: Path) -> None:
    assert not processes.is_supervised(tmp_path)
    with pytest.raises(processes.NotOurs, match="baraza up"):
        processes.kill(tmp_path, "pay", workers=["pay-host-1-0a1b2c3d"])


def test_the_name_of_a_worker_tells_its_process() -> None:
    """What the workers call themselves is what the page reads."""
    name = name_of_this_process("pay")
    assert processes.group_of(name) == "pay"
    found = processes.NAME.fullmatch(name)
    assert found
    assert int(found["pid"]) == os.getpid()
