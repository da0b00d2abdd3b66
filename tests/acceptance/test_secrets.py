"""No PIN, credential or full phone number anywhere but where it belongs."""

import re
from collections.abc import Iterator

import redis
import sqlalchemy as sa

from app.db import Database
from tests.acceptance.test_withdrawals import AMINA, reaches
from tests.support.stack import CANARIES, Stack

PINS = ("4071", "7391", "7392")
"""The right one and two wrong ones."""
SECRETS = ("for-development-only", *CANARIES.values())
"""The first is every provider's secret in the sandbox."""
UUID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
FULL_NUMBER = re.compile(r"(?:\+?254|\b0)[17]\d{8}\b")


def secrets_in(text: str) -> list[str]:
    """The secrets that stand in a text. A PIN counts when it stands alone, not inside a number."""
    # A worker's name holds its process id, which may be any number: pay-host-4071-1f2e3d4c. So may
    # a part of an id.
    text = UUID.sub("", re.sub(r"-[0-9]+-[0-9a-f]{8}\b", "", text))
    pins = [pin for pin in PINS if re.search(rf"(?<![0-9A-Za-z]){pin}(?![0-9A-Za-z])", text)]
    return [*pins, *(secret for secret in SECRETS if secret in text)]


def test_the_search_finds_what_it_is_for() -> None:
    """A transcript, a log field, a setting: each would be found; a longer number is none."""
    assert secrets_in("1*1500*4071") == ["4071"]
    assert secrets_in('{"pin": "7391"}') == ["7391"]
    assert secrets_in(f"key={CANARIES['PIN_PEPPER']}") == [CANARIES["PIN_PEPPER"]]
    assert secrets_in("2026-11-23T04:07:19.407123Z 140714") == []
    assert secrets_in("019ab1c2-4071-7391-8f00-0123456789ab") == []


def redis_contents(url: str) -> str:
    """Every key and every value, as text."""
    server = redis.Redis.from_url(url)
    found = []
    for key in server.scan_iter("*"):
        found.append(repr(key))
        match server.type(key):
            case b"string":
                found.append(repr(server.get(key)))
            case b"hash":
                found.append(repr(server.hgetall(key)))
            case b"list":
                found.append(repr(server.lrange(key, 0, -1)))
            case b"set":
                found.append(repr(server.smembers(key)))
            case b"zset":
                found.append(repr(server.zrange(key, 0, -1)))
            case b"stream":
                found.append(repr(server.xrange(key)))
    return "\n".join(found)


def all_texts(owner: Database) -> dict[str, str]:
    """Every text in every table, by table. Numbers are left out: any of them may be 4071."""
    with owner.transaction() as tx:
        tables = tx.scalars(
            sa.text(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
                " WHERE schemaname IN ('public', 'ledger')"
            )
        ).all()
        rows = {
            table: tx.scalars(
                sa.text(f"SELECT to_jsonb(t) FROM {table} t")  # noqa: S608 - the catalogue's own names
            ).all()
            for table in tables
        }
    return {table: "\n".join(texts(found)) for table, found in rows.items()}


def texts(value: object) -> Iterator[str]:
    """The texts in a JSON value, names of fields included."""
    match value:
        case str():
            yield value
        case dict():
            for name, inner in value.items():
                yield name
                yield from texts(inner)
        case list():
            for inner in value:
                yield from texts(inner)


def test_canaries_are_found_nowhere(
    baraza: Stack, db: Database, owner_db: Database, redis_url: str
) -> None:
    """Right and wrong PINs, paid, refused and doubtful withdrawals; then everything is read."""
    for pin in PINS[1:]:
        assert "BRZ" not in baraza.phone(AMINA).dial().reply("1", "1500", pin).body
    # Typed where an amount belongs, too: people do.
    baraza.phone(AMINA).dial().reply("1", PINS[1] + "999")
    for amount in (1502, 1508, 1504):
        reference = baraza.withdraw(AMINA, amount)
        reaches(db, reference, "reversed" if amount == 1502 else "paid", seconds=30)
    for name in ("web", "worker", "clock"):
        baraza.stop(name)

    told = {
        "logs of Baraza": "\n".join(
            (baraza.folder / f"{name}.log").read_text("utf-8")
            for name in ("web", "worker", "clock")
        ),
        "Redis": redis_contents(redis_url),
    }
    for where, text in told.items():
        assert text, f"{where}: nothing was read, so nothing was proved"
        assert secrets_in(text) == [], where
        assert FULL_NUMBER.findall(text) == [], f"a full number in {where}"
    for table, text in all_texts(owner_db).items():
        assert secrets_in(text) == [], table
        assert "SecurityCredential" not in text, table
