"""Start PINs on their way to members: in the SMS and nowhere else."""

import logging
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from redis import Redis
from structlog.testing import capture_logs

from app import cli
from app.config import Settings
from app.db import Database
from app.doorbell import Step
from app.members import start_pins
from app.members.pins import Pins
from app.messages.answers import NO_LONGER_VALID
from tests.support.databases import Logins
from tests.support.http_script import Act, Reply, Reset
from tests.support.texting import Texting, accepted, answer, counts, texting
from tests.support.working import Working, working

WANJIKU = "+254712000001"
UNTIL = datetime(2026, 11, 30, 7, 15, tzinfo=UTC)
NONCE = b"sixteen bytes ok"
PINS = Pins("a pepper of the tests")


@pytest.fixture
def world(db: Database) -> Iterator[Texting]:
    with texting(db) as made:
        yield replace(made, start_pins=partial(start_pins.out, PINS))


@pytest.fixture
def wanjiku(world: Texting) -> int:
    """A member whose start PIN is out."""
    member = world.member(WANJIKU)
    issue(world, member)
    return member


def issue(world: Texting, member: int, nonce: bytes = NONCE) -> None:
    world.write(
        "UPDATE member SET start_pin_nonce = :nonce, start_pin_until = now() + interval '1 day'"
        " WHERE id = :member",
        nonce=nonce,
        member=member,
    )


def tell(world: Texting, member: int) -> UUID:
    return world.queue(member, WANJIKU, "start_pin", {"until": UNTIL})


def test_the_member_reads_her_start_pin_and_the_row_does_not_have_it(
    world: Texting, wanjiku: int
) -> None:
    key = tell(world, wanjiku)
    assert counts(accepted=1) == world.send()
    pin = PINS.start_pin(wanjiku, NONCE)
    expected = (
        f"Your start PIN is {pin}. Dial *384*2025# before 30/11/26 10:15 AM and set your own PIN. "
        "Have your ID ready. Tell nobody. Help 0700000111"
    )
    assert [expected] == world.texts()
    assert expected.replace(pin, "****") == world.row(key).body


@pytest.mark.parametrize(
    "change",
    [
        "start_pin_nonce = NULL, start_pin_until = NULL",
        "start_pin_until = now() - interval '1 second'",
        "msisdn = '+254712999999'",
    ],
    ids=["used", "expired", "another number"],
)
def test_a_start_pin_that_is_not_valid_any_more_is_not_sent(
    world: Texting, wanjiku: int, change: str
) -> None:
    """And what else is due goes out all the same."""
    key = tell(world, wanjiku)
    other = world.queue(wanjiku, WANJIKU)
    world.write(f"UPDATE member SET {change} WHERE id = :member", member=wanjiku)  # noqa: S608
    assert counts(accepted=1, failed=1) == world.send()
    assert ("failed", NO_LONGER_VALID) == (world.row(key).state, world.row(key).failure)
    assert "accepted" == world.row(other).state
    assert 1 == len(world.calls())


def test_of_two_start_pins_on_their_way_only_the_later_one_is_sent(
    world: Texting, wanjiku: int
) -> None:
    """The first text tells a date that is not true any more."""
    first = tell(world, wanjiku)
    issue(world, wanjiku, b"another nonce ok")
    second = tell(world, wanjiku)
    assert counts(accepted=1, failed=1) == world.send()
    assert (NO_LONGER_VALID, None) == (world.row(first).failure, world.row(second).failure)
    (text,) = world.texts()
    assert PINS.start_pin(wanjiku, b"another nonce ok") in text


def test_a_start_pin_is_sent_again_after_trouble_and_is_the_same(
    world: Texting, wanjiku: int
) -> None:
    """Derived anew for each attempt."""
    world.answers(answer(501, "GatewayError"), accepted())
    tell(world, wanjiku)
    world.send()
    world.make_due()
    assert counts(accepted=1) == world.send()
    once, again = world.texts()
    assert once == again
    assert PINS.start_pin(wanjiku, NONCE) in once


def test_a_gateway_that_repeats_the_text_leaves_no_digit_of_it_with_us(
    world: Texting, wanjiku: int
) -> None:
    """In its refusal, cut off within the PIN or not."""
    pin = PINS.start_pin(wanjiku, NONCE)
    for told in (f"Bad text: Your start PIN is {pin}.", f"Bad text: Your start PIN is {pin[:3]}"):
        world.answers(Reply(400, told.encode(), "text/plain"))
        key = tell(world, wanjiku)
        with capture_logs() as logs:
            world.send()
        assert re.sub("[0-9]", "*", told) in world.row(key).failure
        assert pin[:3] not in str(logs)


@pytest.fixture
def work(
    tmp_path: Path, db: Database, database_logins: Logins, redis_url: str
) -> Iterator[Working]:
    """A real worker, whose gateway is the scripted server that is its M-PESA too."""
    with working(
        tmp_path, db=db, database_url=database_logins.application, redis_url=redis_url
    ) as made:
        yield made


@pytest.mark.parametrize(
    "act",
    [accepted(), Reset(), answer(406, "UserInBlacklist"), answer(501, "GatewayError")],
    ids=["accepted", "reset", "blacklist", "error"],
)
def test_a_start_pin_is_readable_nowhere(
    work: Working, db: Database, caplog: pytest.LogCaptureFixture, act: Act
) -> None:
    """Through a real worker: not in any table, Redis, any log line, or what staff can list."""
    world = Texting(db, work.safaricom, work.context.sms)
    member = world.member(WANJIKU)
    issue(world, member)
    tell(world, member)
    world.answers(act)
    work.context.doorbell.ring(Step.SMS)
    with caplog.at_level(logging.DEBUG), capture_logs() as logs:
        work.answer(Step.SMS)
    (text,) = world.texts()
    pin = Pins(work.context.settings.pin_pepper.get_secret_value()).start_pin(member, NONCE)
    assert f"Your start PIN is {pin}." in text
    places = {
        "database": everything_written(db),
        "redis": everything_in(work.context.redis),
        "logs": f"{logs}{caplog.text}",
        "listed": listed(work.context.settings),
    }
    assert "Your start PIN is ****." in places["database"]
    assert "Your start PIN is ****." in places["listed"]
    for place, found in places.items():
        assert not re.search(rf"(?<!\d){pin}(?!\d)", found), place


def everything_written(db: Database) -> str:
    """All text, JSON and bytes in all tables."""
    with db.transaction() as tx:
        columns = tx.execute(
            sa.text(
                "SELECT c.table_schema, c.table_name, c.column_name"
                " FROM information_schema.columns c JOIN information_schema.tables t"
                " USING (table_schema, table_name)"
                " WHERE t.table_type = 'BASE TABLE' AND c.table_schema NOT LIKE 'pg_%'"
                " AND c.table_schema <> 'information_schema'"
                " AND c.data_type IN ('text', 'jsonb', 'bytea', 'ARRAY')"
                " AND has_column_privilege(format('%I.%I', c.table_schema, c.table_name),"
                "  c.column_name, 'SELECT')"
            )
        ).all()
        assert ("public", "message", "body") in [tuple(column) for column in columns]
        written: list[str] = []
        for schema, table, column in columns:
            query = f'SELECT "{column}" FROM "{schema}"."{table}"'  # noqa: S608
            written += [str(value) for value in tx.scalars(sa.text(query))]
    return "\n".join(written)


def everything_in(redis: "Redis") -> str:
    """Every key with its value; RQ's compressed values unpacked."""
    readers: dict[bytes, Any] = {
        b"string": redis.get,
        b"hash": redis.hgetall,
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"set": redis.smembers,
        b"zset": lambda key: redis.zrange(key, 0, -1),
        b"stream": redis.xrange,
    }
    found: list[str] = []
    for key in redis.scan_iter():
        kind = redis.type(key)
        value = readers[kind if isinstance(kind, bytes) else str(kind).encode()](key)
        found += [str(key), str(value)]
        for packed in value.values() if isinstance(value, dict) else []:
            if isinstance(packed, bytes) and packed[:1] == b"x":
                found.append(str(zlib.decompress(packed)))
    assert any("rq:job" in line for line in found)
    return "\n".join(found)


def listed(settings: Settings) -> str:
    environment = {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url}
    ran = [
        CliRunner().invoke(cli.main, ["sms", "list", *more], env=environment)
        for more in ([], ["--json"])
    ]
    assert [0, 0] == [one.exit_code for one in ran]
    return "".join(one.output for one in ran)
