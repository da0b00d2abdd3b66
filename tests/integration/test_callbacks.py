"""M-PESA's door on a real socket: what it takes, what it turns away, what it keeps.

Addresses in their IPv6 form and tokens across the two kinds of doors: `test_callback_doors`.
What lies lead to: `test_forged_results`.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from app import config
from app.db import Database
from app.ledger import chart, statements
from tests.support import web_site
from tests.support.http_script import closed_port
from tests.support.ledger import assert_coherent
from tests.support.stack import wait_for
from tests.support.stories import AMOUNT_CENTS, Stories
from tests.support.web_site import TIMEOUT_S, Callbacks, loaded

ACCEPTED = {"ResultCode": 0, "ResultDesc": "Accepted"}
KIB = 1024


@pytest.fixture
def mpesa(
    db: Database, owner_db: Database, database_url: str, redis_url: str
) -> Iterator[Callbacks]:
    settings = loaded(database_url, redis_url)
    with web_site.serving(settings) as url:
        yield Callbacks(url, settings, Stories(db, redis_url))
    assert_coherent(owner_db)


def test_a_result_is_filed_then_settles_the_payout(mpesa: Callbacks, db: Database) -> None:
    """The door stores, rings for resolve and answers; the money moves when resolve works."""
    reference = mpesa.stories.submitted()
    mpesa.stories.redis.flushdb()
    answer = mpesa.post(mpesa.path(mpesa.id_of(reference)), mpesa.success(reference))
    assert (200, ACCEPTED) == (answer.status_code, answer.json())
    assert "submitted" == mpesa.stories.state(reference)
    wait_for("a ringing", lambda: 1 == mpesa.stories.redis.llen("rq:queue:resolve"))
    mpesa.stories.resolve()
    assert "paid" == mpesa.stories.state(reference)
    with db.transaction() as tx:
        assert -AMOUNT_CENTS == statements.system_balance(tx, chart.FLOAT)


def test_the_same_body_again_is_only_counted(mpesa: Callbacks) -> None:
    """Before it is worked and after: one row, one piece of evidence, one entry, one SMS."""
    reference = mpesa.stories.submitted()
    for _ in range(2):
        mpesa.post(mpesa.path(mpesa.id_of(reference)), mpesa.success(reference))
    mpesa.stories.resolve()
    assert (
        200 == mpesa.post(mpesa.path(mpesa.id_of(reference)), mpesa.success(reference)).status_code
    )
    mpesa.stories.resolve()
    assert [(3, "success")] == mpesa.rows("SELECT copies, verdict FROM inbox")
    assert 1 == len(mpesa.rows("SELECT FROM evidence WHERE source = 'callback'"))
    assert [("sent",)] == mpesa.rows("SELECT kind FROM message")
    assert "paid" == mpesa.stories.state(reference)


def test_the_order_of_keys_makes_no_other_message(mpesa: Callbacks) -> None:
    payout = mpesa.id_of(mpesa.stories.submitted())
    for body in (b'{"a": 1, "b": 2}', b'{"b":2,"a":1}', b'{"a": 1, "b": 3}'):
        mpesa.post(mpesa.path(payout), body)
    assert [(2,), (1,)] == mpesa.rows("SELECT copies FROM inbox ORDER BY id")


def test_each_token_opens_one_door_and_older_secrets_still_do(mpesa: Callbacks) -> None:
    """While secrets are changed both are valid; another payout's token or any other is not."""
    payout = mpesa.id_of(mpesa.stories.submitted())
    others = mpesa.id_of(mpesa.stories.submitted())
    newer, older = mpesa.settings.door_tokens(str(payout))
    wrong = {
        "another payout's": mpesa.settings.door_token(str(others)),
        "another door's": mpesa.settings.door_token("sms"),
        "of a secret that is not ours": config.load({}).door_token(str(payout)),
        "short": newer[:-1],
        "long": newer + "0",
        "in capitals": newer.upper(),
        "not text": "%FF%00%ED%A0%80",
    }
    found = {
        what: mpesa.post(mpesa.path(payout, token=token), {what: 1}).status_code
        for what, token in {"newer": newer, "older": older, **wrong}.items()
    }
    assert {"newer": 200, "older": 200, **dict.fromkeys(wrong, 404)} == found
    assert [({"newer": 1},), ({"older": 1},)] == mpesa.rows("SELECT body FROM inbox ORDER BY id")


def test_an_id_is_no_other_spelling_of_itself(mpesa: Callbacks) -> None:
    """What is no id of ours has no door at all."""
    payout = mpesa.id_of(mpesa.stories.submitted())
    for key in (payout.hex, "1", "..", "%00", f"{payout}'"):
        assert 404 == mpesa.post(mpesa.path(key), {}).status_code
    assert [] == mpesa.rows("SELECT FROM inbox")


def test_a_door_is_only_posted_to(mpesa: Callbacks) -> None:
    """Whoever opens an address from a log or a chat does nothing by it."""
    payout = mpesa.id_of(mpesa.stories.submitted())
    for door in ("b2c/result", "b2c/timeout", "status/result", "status/timeout"):
        answer = requests.get(mpesa.url + mpesa.path(payout, door), timeout=TIMEOUT_S)
        assert 405 == answer.status_code


CALLERS = {
    ("0", ""): 403,
    ("0", "196.201.214.200"): 403,
    ("1", "196.201.214.200"): 200,
    ("1", "196.201.215.1"): 403,
    ("1", "196.201.214.200, 41.90.1.1"): 403,
    ("1", ""): 403,
    ("1", "nonsense"): 403,
    ("2", "196.201.213.114, 10.0.0.1"): 200,
    ("2", "196.201.213.114"): 403,
}
"""Proxies of ours, what X-Forwarded-For says, and the answer."""


def test_only_listed_addresses_may_call(db: Database, database_url: str, redis_url: str) -> None:
    """Who calls is told by as many proxies as are ours; a caller's own word counts for nothing."""
    listed = {"CALLBACK_SOURCES": "196.201.214.0/24, 196.201.213.114/32"}
    stories = Stories(db, redis_url)
    reference = stories.submitted()
    found = {}
    for proxies in ("0", "1", "2"):
        settings = loaded(database_url, redis_url, **listed, TRUSTED_PROXIES=proxies)
        with web_site.serving(settings) as url:
            mpesa = Callbacks(url, settings, stories)
            path = mpesa.path(mpesa.id_of(reference))
            for words in (words for number, words in CALLERS if number == proxies):
                headers = {"X-Forwarded-For": words} if words else {}
                answer = mpesa.post(path, {"from": words}, **headers)
                found[proxies, words] = answer.status_code
    assert CALLERS == found
    sources = [source for (source,) in mpesa.rows("SELECT source FROM inbox ORDER BY id")]
    assert ["196.201.214.200", "196.201.213.114"] == sources


BODIES: dict[str, tuple[bytes, Any]] = {
    "nothing": (b"", {"unreadable_bytes": 0}),
    "no JSON": (b"ResultCode=0&ok", {"unreadable_bytes": 15}),
    "no UTF-8": (b'{"a": "\xff\xfe"}', {"unreadable_bytes": 11}),
    "cut off": (b'{"Result": {"ResultCode": 0', {"unreadable_bytes": 27}),
    "a number of too many digits": (b"9" * 5000, {"unreadable_bytes": 5000}),
    "a list": (b"[1]", [1]),
    "null": (b"null", None),
    "no number": (b'{"Result": NaN}', {"Result": "[not kept]"}),
    "a huge number": (b"[1e999, " + b"9" * 40 + b"]", ["[not kept]", "[not kept]"]),
    "NUL": (b'{"a\\u0000b": "c\\u0000d", "e": "\\\\u0000"}', {"ab": "cd", "e": "\\u0000"}),
    "half a character": (b'{"\\ud800": "\\udfff!"}', {"?": "?!"}),
    "in UTF-16": ('{"a": 1}'.encode("utf-16"), {"a": 1}),
    "Result is a text": (b'{"Result": "0"}', {"Result": "0"}),
    "Result is a list": (b'{"Result": [{}]}', {"Result": [{}]}),
    "odd parameters": (
        b'{"Result": {"ResultCode": {}, "ResultParameters": [7]}}',
        {"Result": {"ResultCode": {}, "ResultParameters": [7]}},
    ),
}


DEEP: dict[str, bytes] = {
    f"{depth} {opening!r}": opening * depth + b"1" + closing * depth
    for depth in (100, 10_000)
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}"))
}


def test_whatever_is_posted_is_kept_and_moves_no_money(mpesa: Callbacks) -> None:
    """Never an error of ours, at the door or in the step that reads it."""
    references = {what: mpesa.stories.submitted() for what in BODIES}
    for what, (raw, _) in BODIES.items():
        answer = mpesa.post(mpesa.path(mpesa.id_of(references[what])), raw)
        assert (what, 200) == (what, answer.status_code)
    bodies = [body for (body,) in mpesa.rows("SELECT body FROM inbox ORDER BY id")]
    assert {what: kept for what, (_, kept) in BODIES.items()} == dict(
        zip(BODIES, bodies, strict=True)
    )
    mpesa.stories.resolve()
    assert dict.fromkeys(BODIES, "in_doubt") == {
        what: mpesa.stories.state(reference) for what, reference in references.items()
    }
    assert [("doubt", len(BODIES))] == mpesa.rows("SELECT verdict, count(*) FROM inbox GROUP BY 1")
    assert [] == mpesa.rows("SELECT FROM payout WHERE failures > 0")


def test_deep_nesting_breaks_nothing(mpesa: Callbacks) -> None:
    """Neither the reader nor the cleaner nor PostgreSQL runs out of stack."""
    reference = mpesa.stories.submitted()
    for what, raw in DEEP.items():
        answer = mpesa.post(mpesa.path(mpesa.id_of(reference)), raw)
        assert (what, 200) == (what, answer.status_code)
    assert [(True,)] == mpesa.rows("SELECT max(length(body::text)) < 200 FROM inbox")
    mpesa.stories.resolve()
    assert "in_doubt" == mpesa.stories.state(reference)


ONE_TOO_MANY = 64 * KIB + 1


@pytest.mark.parametrize("size", [ONE_TOO_MANY, 200 * KIB])
def test_a_body_that_is_announced_as_too_large_is_turned_away(mpesa: Callbacks, size: int) -> None:
    """Real ones have about 1 KiB."""
    path = mpesa.path(mpesa.id_of(mpesa.stories.submitted()))
    assert 413 == mpesa.post(path, b" " * size).status_code
    assert 200 == mpesa.post(path, b" " * (ONE_TOO_MANY - 3) + b"{}").status_code
    assert {} == mpesa.kept()


@pytest.mark.parametrize("size", [ONE_TOO_MANY, 200 * KIB])
def test_a_body_that_does_not_end_in_time_is_cut(mpesa: Callbacks, size: int) -> None:
    """In chunks, so nothing was announced: kept as a remark about its first 64 KiB."""
    path = mpesa.path(mpesa.id_of(mpesa.stories.submitted()))
    chunks = iter((b'"', b"x" * (size - 2), b'"'))
    assert 200 == mpesa.post(path, chunks).status_code
    assert {"unreadable_bytes": 64 * KIB} == mpesa.kept()


def test_a_credential_is_never_stored(mpesa: Callbacks) -> None:
    """A queue-timeout notice is our own request sent back, credential included."""
    payout = mpesa.id_of(mpesa.stories.submitted())
    notice = {
        "Initiator": "barazaapi",
        "SecurityCredential": "canary",
        "Request": [{" securitycredential": "canary", "Amount": "1500"}],
        "Parameters": [{"Key": "SecurityCredential", "Value": "canary"}, {"Password": "canary"}],
    }
    assert 200 == mpesa.post(mpesa.path(payout, "b2c/timeout"), notice).status_code
    mpesa.stories.resolve()
    assert "barazaapi" == mpesa.kept()["Initiator"]
    tables = ("inbox", "evidence", "payout", "message")
    everything = [str(mpesa.rows(f"SELECT * FROM {table}")) for table in tables]  # noqa: S608
    assert "[removed]" in everything[0]
    assert "canary" not in "".join(everything)


def test_a_result_for_no_payout_of_ours_is_kept_and_does_nothing(mpesa: Callbacks) -> None:
    """Its token is right, so it comes from somebody who knows our secrets: keep it, to be seen."""
    reference = mpesa.stories.submitted()
    unknown = uuid.uuid4()
    assert 200 == mpesa.post(mpesa.path(unknown), mpesa.success(reference)).status_code
    mpesa.stories.resolve()
    assert [(unknown, None)] == mpesa.rows("SELECT payout_id, worked_at FROM inbox")
    assert [] == mpesa.rows("SELECT FROM evidence WHERE source = 'callback'")
    assert "submitted" == mpesa.stories.state(reference)


def test_an_answer_to_no_query_of_ours_is_turned_away(mpesa: Callbacks) -> None:
    unknown = uuid.uuid4()
    for door in ("status/result", "status/timeout"):
        assert 404 == mpesa.post(mpesa.path(unknown, door), {}).status_code
    assert [] == mpesa.rows("SELECT FROM inbox")


def test_what_cannot_be_stored_is_not_taken(redis_url: str) -> None:
    """PostgreSQL is away: 503, so that the provider may repeat."""
    away = f"postgresql://nobody@127.0.0.1:{closed_port()}/none"
    settings = loaded(away, redis_url)
    payout = uuid.uuid4()
    with web_site.serving(settings) as url:
        path = f"/d/{settings.door_token(str(payout))}/b2c/result/{payout}"
        answer = requests.post(url + path, json={}, timeout=TIMEOUT_S)
    assert (503, {"ResultCode": 1, "ResultDesc": "Try again"}) == (
        answer.status_code,
        answer.json(),
    )


def test_without_redis_a_result_is_taken_all_the_same(
    db: Database, database_url: str, redis_url: str
) -> None:
    """Nobody is rung for; the timekeeper finds it in PostgreSQL."""
    settings = loaded(database_url, f"redis://127.0.0.1:{closed_port()}/0")
    stories = Stories(db, redis_url)
    reference = stories.submitted()
    with web_site.serving(settings) as url:
        mpesa = Callbacks(url, settings, stories)
        answer = mpesa.post(mpesa.path(mpesa.id_of(reference)), mpesa.success(reference))
    assert 200 == answer.status_code
    stories.resolve()
    assert "paid" == stories.state(reference)
