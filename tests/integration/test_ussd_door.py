"""The gateway's door: what is not for us, what goes missing, what must never be seen."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
import sqlalchemy as sa
from redis import Redis

from app import redis_client
from app.channels.ussd_sessions import Hop, transcript_macs
from app.db import Database
from app.errors import Misconfigured
from tests.support import ussd_site
from tests.support.ledger import assert_coherent
from tests.support.ussd_site import TIMEOUT_S, WANJIRU, Site
from ussd_menus import notices

GOOD = {
    "sessionId": "ATUid_1",
    "phoneNumber": WANJIRU,
    "networkCode": "63902",
    "serviceCode": "*384*2025#",
    "text": "",
}
MANY = "+2547000000{:02d}"


@pytest.fixture
def site(db: Database, owner_db: Database, database_url: str, redis_url: str) -> Iterator[Site]:
    with ussd_site.running(db, database_url=database_url, redis_url=redis_url) as running:
        yield running
    assert_coherent(owner_db)


@contextmanager
def session_held(owner_db: Database, session_id: str) -> Iterator[None]:
    """Another hop of this session is being served all the while."""
    with owner_db.transaction() as tx:
        tx.execute(
            sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:session, 0))"),
            {"session": session_id},
        )
        yield


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


NOT_OURS: tuple[dict[str, str], ...] = (
    {"phoneNumber": "0712345678"},
    {"phoneNumber": " 254712345678"},
    {"phoneNumber": "+254712345678\n"},
    {"phoneNumber": "+14155550123"},
    {"serviceCode": "*384*9999#"},
    {"sessionId": ""},
    {"sessionId": "a b"},
    {"sessionId": "x" * 101},
    {"sessionId": "nul\x00"},
    {"text": "1*" * 501},
    {"text": "x" * 20_000},
)
FORM = "application/x-www-form-urlencoded"
NO_FORMS = (
    (b"sessionId=a&sessionId=b&phoneNumber=%2B254712345678&serviceCode=%2A384%2A2025%23&text=",
     FORM),
    (b"%ff%fe%00", FORM),
    (b'{"sessionId": "a"}', "application/json"),
    (b"--x\r\nnonsense", "multipart/form-data; boundary=x"),
    (b"", ""),
)  # fmt: skip


def test_what_is_not_the_gateways_gets_an_end_and_leaves_nothing(site: Site) -> None:
    """Always HTTP 200 and a kind end, so that a member whose callback was bent sees our words."""
    site.member()
    fields = [GOOD | change for change in NOT_OURS]
    fields += [{name: GOOD[name] for name in GOOD if name != gone} for gone in GOOD]
    fields.remove({name: GOOD[name] for name in GOOD if name != "networkCode"})
    answers = [site.post(form) for form in fields]
    door = f"{site.url}/ussd/{site.settings.door_token('ussd')}"
    answers += [
        requests.post(door, data=body, headers={"Content-Type": kind}, timeout=TIMEOUT_S)
        for body, kind in NO_FORMS
    ]
    assert {(a.status_code, a.text) for a in answers} == {(200, notices.NOT_UNDERSTOOD)}
    assert len(answers) == len(NOT_OURS) + 4 + len(NO_FORMS)
    assert site.scalar("SELECT count(*) FROM ussd_session") == 0


def test_a_field_that_we_do_not_know_yet_is_no_fault(site: Site) -> None:
    site.member()
    assert site.post({**GOOD, "newField": "x"}).text.startswith("CON Baraza SACCO")


def test_a_wrong_secret_gets_404_before_anything_is_read(site: Site) -> None:
    for path in ("", "/end"):
        wrong = f"{site.url}/ussd/{'0' * 40}{path}"
        answer = requests.post(wrong, data=GOOD, timeout=TIMEOUT_S)
        assert (answer.status_code, answer.text) == (404, "Not found")


def test_an_older_secret_opens_the_door_while_keys_change(
    db: Database, database_url: str, redis_url: str
) -> None:
    with ussd_site.running(
        db, database_url=database_url, redis_url=redis_url, CALLBACK_SECRETS="new,old"
    ) as site:
        site.member()
        for token in site.settings.door_tokens("ussd"):
            answer = requests.post(f"{site.url}/ussd/{token}", data=GOOD, timeout=TIMEOUT_S)
            assert answer.text.startswith("CON ")


def test_a_session_belongs_to_the_phone_that_began_it(site: Site) -> None:
    """A session id with another number in it never reaches the first number's session."""
    site.member()
    site.member(MANY.format(1))
    phone = site.phone()
    phone.dial()
    phone.reply("1", "500")
    stolen = {"sessionId": phone.session_id, "phoneNumber": MANY.format(1), "text": "1*500*4071"}
    assert site.post({**GOOD, **stolen}).text == notices.NOT_UNDERSTOOD
    assert site.counts() == {"payout": 0, "quote": 1, "pin_attempt": 0}


def test_far_too_many_keys_end_the_session(site: Site) -> None:
    site.member()
    phone = site.phone()
    assert phone.deep_dial("*".join("9" * 60)).body.startswith("CON Wrong choice.")
    assert phone.deep_dial("*".join("9" * 61)).body == notices.OVER


def test_without_postgresql_the_member_hears_that_nothing_was_deducted(redis_url: str) -> None:
    """The answer comes within the three seconds that a hop has."""
    away = f"postgresql://nobody@127.0.0.1:{closed_port()}/none"
    with ussd_site.serving(database_url=away, redis_url=redis_url) as (url, doors):
        answer = requests.post(
            f"{url}/ussd/{doors.settings.door_token('ussd')}", data=GOOD, timeout=TIMEOUT_S
        )
    assert (answer.status_code, answer.text) == (200, notices.UNAVAILABLE)
    assert answer.elapsed.total_seconds() < 3


def test_without_redis_a_withdrawal_is_taken_all_the_same(db: Database, database_url: str) -> None:
    """The timekeeper finds it in PostgreSQL; nobody has to ring."""
    away = f"redis://127.0.0.1:{closed_port()}/0"
    with ussd_site.running(db, database_url=database_url, redis_url=away) as site:
        site.member()
        phone = site.phone()
        phone.dial()
        assert phone.reply("1", "500", "4071").body.startswith("END Request BRZ")
        assert site.counts()["payout"] == 1


def test_redis_may_be_wiped_between_any_two_hops(site: Site, redis_url: str) -> None:
    site.member()
    redis: Redis = redis_client.connect(redis_url)
    phone = site.phone()
    phone.dial()
    for token in ("1", "500", "1111", "4071"):
        body = phone.reply(token).body
        redis.flushdb()
        assert phone.resend().body == body
    redis.close()
    assert site.counts() == {"payout": 1, "quote": 1, "pin_attempt": 2}


def test_a_twin_of_a_hop_that_runs_too_long_hears_no_promise(
    site: Site, owner_db: Database
) -> None:
    """Whoever holds the session's lock may be paying; the twin waits two seconds, then says so."""
    site.member()
    phone = site.phone()
    phone.dial()
    phone.reply("1", "500")
    with session_held(owner_db, phone.session_id):
        assert phone.reply("4071").body == notices.UNSURE
    assert phone.resend().body.startswith("END Request BRZ")


def test_whoever_only_looks_waits_for_nobody(site: Site, owner_db: Database) -> None:
    """Up to the question for the PIN nothing has an effect, so there is nothing to keep apart."""
    site.member()
    phone = site.phone()
    phone.dial()
    with session_held(owner_db, phone.session_id):
        for token in ("", "1", "500"):
            body = phone.reply(token).body if token else phone.body
            assert body.startswith("CON")
            assert phone.resend().body == body
    assert site.counts() == {"payout": 0, "quote": 1, "pin_attempt": 0}


def test_a_member_row_that_somebody_holds_costs_no_try(site: Site, owner_db: Database) -> None:
    """The PIN is not even looked at, and within the three seconds of a hop she hears it."""
    member = site.member()
    phone = site.phone()
    phone.dial()
    phone.reply("1", "500")
    with owner_db.transaction() as tx:
        tx.execute(sa.text("SELECT FROM member WHERE id = :id FOR UPDATE"), {"id": member})
        assert phone.reply("4071").body == notices.UNAVAILABLE
    assert site.counts() == {"payout": 0, "quote": 1, "pin_attempt": 0}
    assert phone.resend().body.startswith("END Request BRZ")


END_NOTE = {
    "date": "2026-11-23 07:15:00",
    "sessionId": "ATUid_1",
    "serviceCode": "*384*2025#",
    "networkCode": "63902",
    "phoneNumber": WANJIRU,
    "status": "Success",
    "durationInMillis": "41234",
    "hopsCount": "4",
    "input": "1*500*8305",
    "lastAppResponse": "END Savings KES 50,000.00",
}


def test_the_note_of_a_sessions_end_is_only_logged(
    site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither the PIN nor the balance in it goes anywhere, and a bent one is no fault."""
    bent = END_NOTE | {"hopsCount": "many", "status": "?", "sessionId": "a b"}
    for note in (END_NOTE, {}, bent):
        answer = site.post(note, path="/end")
        assert (answer.status_code, answer.text) == (200, "")
    logged = "".join(capfd.readouterr())
    assert logged.count("ussd_session_ended") == 3
    assert not re.search(r"8305|50,000|712345678", logged)


def test_the_pin_is_nowhere_after_the_session(
    site: Site, owner_db: Database, redis_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """No table, no Redis key and no log line holds it, nor the full number in a log."""
    site.member(pin="8305")
    phone = site.phone()
    phone.dial()
    phone.reply("2", "7294", "8305")
    phone.dial()
    phone.reply("1", "500", "8305")
    phone.deep_dial("1*500*8305")
    # Digits inside digests and ids are chance; a PIN would stand alone or in a transcript.
    pin = re.compile(r"(?<![\w+/$.:\\-])(8305|7294)(?![\w+/.:-])|\*(8305|7294)")
    for table, row in everything(owner_db):
        assert not pin.search(row), table
    redis: Redis = redis_client.connect(redis_url)
    dumped = [repr(redis.dump(key)) for key in redis.scan_iter()]
    redis.close()
    assert dumped
    assert not [value for value in dumped if "8305" in value]
    logged = "".join(capfd.readouterr())
    assert "ussd_hop" in logged
    assert not pin.search(logged)
    assert "712345678" not in logged


def everything(database: Database) -> Iterator[tuple[str, str]]:
    """Every row of every table, as text."""
    with database.transaction() as tx:
        tables = tx.execute(
            sa.text(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
                " WHERE schemaname IN ('public', 'ledger')"
            )
        ).scalars()
        for table in list(tables):
            rows = tx.execute(sa.text(f"SELECT t::text FROM {table} t"))  # noqa: S608 - catalog
            yield from ((table, row) for row in rows.scalars())


def test_transcripts_are_told_apart_by_every_key_and_phone() -> None:
    """The digest is keyed, and no two transcripts share one."""
    hops = [
        Hop("s", WANJIRU, "c", text)
        for text in ("", "1", "11", "1*1", "1*", "1**", "*1", "1*500*4071")
    ]
    hops += [Hop("t", WANJIRU, "c", "1"), Hop("s", MANY.format(1), "c", "1")]
    digests = [transcript_macs(key, hop)[-1] for key in ("one", "two") for hop in hops]
    assert len(set(digests)) == len(digests)
    long, short = transcript_macs("one", hops[3]), transcript_macs("one", hops[1])
    assert long[:2] == short


def test_a_sacco_name_that_does_not_fit_stops_the_start(redis_url: str, database_url: str) -> None:
    with (
        pytest.raises(Misconfigured, match="SACCO_NAME"),
        ussd_site.serving(
            database_url=database_url, redis_url=redis_url, SACCO_NAME="Chama cha Bar\u0101za"
        ),
    ):
        pass


def test_a_hop_never_shows_a_pin_when_it_is_printed() -> None:
    assert "4071" not in repr(Hop("s", WANJIRU, "*384*2025#", "1*500*4071"))
