"""The bench in short: it judges answers and books here, and never how fast they came."""

import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest

from app import config
from tests.bench import backlog, hops, peers, recovery, report, saga_rate, suite
from tests.bench.ground import ground
from tests.bench.journeys import Members
from tests.bench.load import Load
from tests.bench.targets import PAYOUTS_PER_S, US
from tests.support.databases import Logins
from tests.support.http_script import Act, Reply, Reset, scripted_server


def test_every_answer_under_load_is_a_screen_and_the_books_agree(
    tmp_path: Path, database_logins: Logins, redis_url: str
) -> None:
    """Forty hops of many members: all are answered and counted; withdrawals are among them."""
    found = hops.run(
        tmp_path,
        database_logins,
        redis_url,
        rate=20,
        seconds=2,
        web_workers=2,
        warm_up_s=1,
        callers=25,
    )
    assert (found.hops, found.no_screen, found.broken_rules) == (40, 0, [])
    assert found.payouts > 0
    assert {"main", "withdraw.accepted"} <= found.screens.keys()
    assert found.is_sound
    assert json.loads(json.dumps(asdict(found)))["hops"] == 40
    assert "audit: every rule holds" in hops.table(found)


@pytest.mark.timeout(300)
def test_a_backlog_is_worked_to_its_end_and_judged(tmp_path: Path) -> None:
    """Forty payouts: all paid once by M-PESA's own record, all told, the audit kept."""
    with ground() as on:
        whose = backlog.people(on.owner, 40)
        rate = saga_rate.work_backlog(on, whose, delay_ms=20)
        assert rate.faults == []
        assert rate.payouts == 40
        assert rate.per_s > 0
        assert {"PostgreSQL", "Valkey", "web", "worker pay"} <= rate.cpu_ms.keys()
        lost = saga_rate.judged(on, 41, "2020-01-01")
    assert ["41 wanted" in one or "41 receipts" in one for one in lost] == [True, True]
    found = suite.begun()
    found.add(PAYOUTS_PER_S, US, rate.per_s)
    assert US in report.write(found, tmp_path).read_text("utf-8")


@pytest.mark.timeout(300)
def test_a_total_kill_is_recovered_from_and_timed() -> None:
    """PostgreSQL cut, Redis emptied, every process killed: all is settled and paid once."""
    seen = recovery.measure(60)
    assert seen.faults == []
    assert seen.settled[-1] == 60
    assert seen.at_s == sorted(seen.at_s)


def test_a_peer_that_is_not_installed_is_left_out_with_its_cure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(peers, "PYTHON", tmp_path / "none")
    with pytest.raises(peers.PeerUnavailableError, match="make bench"):
        peers.run("DBOS", database_url="", redis_url="", simulator="", door_port=1, payouts=1)


@pytest.mark.parametrize(
    ("act", "screen"),
    [
        (Reply(503, b"CON a fault of the server"), "HTTP 503"),
        (Reply(200, b"Internal error"), "none"),
        (Reply(200, b"CON " + b"x" * 161), "none"),
        (Reset(), "ConnectionResetError"),
    ],
)
def test_an_answer_that_is_no_screen_is_counted(act: Act, screen: str) -> None:
    """None is lost, so that a bench can fail."""
    with scripted_server() as door:
        port = door.url.rpartition(":")[2]
        settings = config.load({"PORT": port})
        door.on(f"/ussd/{settings.door_token('ussd')}", act)
        members = Members(["+254712345678"], pin="4071", wrong="9135")
        with closing(Load(settings, members, rate=100)) as load:
            load.run(0.1)
    assert {name: len(many) for name, many in load.timed.by_screen.items()} == {screen: 10}
    assert load.timed.no_screen == 10
