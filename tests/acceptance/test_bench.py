"""The bench in short: it judges answers and books here, and never how fast they came."""

import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest

from app import config
from tests.bench import hops
from tests.bench.journeys import Members
from tests.bench.load import Load
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
