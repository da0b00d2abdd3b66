"""Alerts open and clear by themselves, and every rule has a way to make it do both."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from app.audit import Actor
from app.commands.alerts import alerts, as_markdown
from app.db import Database
from app.operations import alerting
from app.operations.alerting import BROKEN, NoSuchAlert, Rule
from tests.integration.test_provider_alerts import PROVIDER_RULES
from tests.support.stories import Stories

AMINA = Actor("command line", name="amina")
GUARDS_OFF = "SET LOCAL session_replication_role = replica"
"""What only the owner can do: tests plant by it what takes hours, or a fault, to come about."""
ELSEWHERE = {*PROVIDER_RULES, "batch_waits", "balances_differ", "unknown_payment"}
"""Rules that tests of their own subjects make fire and clear."""


@dataclass(frozen=True)
class Scenario:
    """What is done to a database with one submitted payout, and what mends it."""

    plant: tuple[str, ...]
    heal: tuple[str, ...]


_OLD = "UPDATE payout SET state = 'in_doubt', state_since = now() - interval '{} minutes'"
_PAST = "UPDATE staff_action SET at = at - interval '{}'"
_YOUNG = "UPDATE payout SET state_since = now()"
_ACCEPTED = (
    "INSERT INTO attempt (payout_id, n, body_hash, finished_at, outcome)"
    " SELECT id, n, ''::bytea, now() - interval '5 minutes', 'accepted'"
    " FROM payout, generate_series(2, 7) AS n"
)
_RESULT = (
    "INSERT INTO inbox (kind, payout_id, sha256, body, source, received_at, worked_at)"
    " SELECT 'b2c_result', id, ''::bytea, '{{}}', 'test', now() - interval '{} seconds', {}"
    " FROM payout"
)
_SMS = (
    "INSERT INTO message (id, kind, member_id, msisdn, language, body, state, due_at, finished_at)"
    " SELECT gen_random_uuid(), 'pin_changed', id, msisdn, 'en', 'x', '{}', {}, {}"
    " FROM member, generate_series(1, {})"
)
_BEAT = (
    "INSERT INTO worker_heartbeat (name, queues, started_at) VALUES ('{0}', '{0}',"
    " now() - interval '{1} minutes') ON CONFLICT (name) DO UPDATE SET beat_at = now()"
)
_AUDIT = (
    "INSERT INTO audit_run (kind, started_at, finished_at, rules, broken, unanswered, findings,"
    " seen_to, seen_xact) VALUES ('recent', now(), now() - interval '{2} minutes', 30, {0}, {1},"
    " '{3}', now(), 1)"
)
_FOUND = '[{{"rule": "no balance is below", "state": "{}", "detail": "account 7"}}]'
_WRONG_PINS = (
    "INSERT INTO pin_attempt (session_id, transcript_mac, member_id, outcome)"
    " SELECT 's' || n, 'x'::bytea, id, 'wrong' FROM member, generate_series(1, 100) AS n"
)
_STAFF = (
    "INSERT INTO staff (email, name, role, password_hash, session_key)"
    " VALUES ('m@x.example', 'M', 'ops', '', gen_random_uuid())"
)
_TAKEN_BACK = (
    "INSERT INTO evidence (payout_id, source, class)"
    " SELECT id, 'statement', 'taken_back' FROM payout"
)
_PAID_YESTERDAY = (
    "UPDATE payout SET state = 'paid', receipt = 'SKL61MQ8WL', evidence_id = 1, requested_at ="
    " (date_trunc('day', now() AT TIME ZONE 'Africa/Nairobi' - interval '10 hours')"
    "  - interval '1 hour') AT TIME ZONE 'Africa/Nairobi'"
)
_STATEMENT = (
    "INSERT INTO statement_import (sha256, file_name, shortcode, covers_from, covers_to, lines,"
    " opening_cents, closing_cents, imported_by)"
    " VALUES ('x', 's.csv', '600000', now() - interval '3 days', now(), 0, 0, 0, 'tests')"
)
_OLD_BREAK = (
    "INSERT INTO reconciliation_break (rule, subject, detail, cents, opened_at)"
    " VALUES ('other_movement', 'SKL61MQ8WL', '', 1, now() - interval '2 days')"
)
_PROPOSAL = (
    "INSERT INTO case_proposal (payout_id, action, evidence_class, proof, reason, seen_version,"
    " seen_evidence, maker_id, made_at, expires_at) SELECT p.id, 'uphold', 'upheld', 'x', 'x', 1,"
    " 1, s.id, now() - interval '1 hour', now() + interval '3 hours' FROM payout p, staff s"
)
_CALLS = (
    "INSERT INTO attempt (payout_id, n, body_hash, finished_at, outcome)"
    " SELECT id, n, ''::bytea, now() - interval '5 minutes', '{}'"
    " FROM payout, generate_series(2, 40) AS n"
)
_CALLS_OLD = "UPDATE attempt SET committed_at = committed_at - interval '1 hour'"
_UNSENT = (
    (
        "INSERT INTO alert (rule, subject, severity, detail, cleared_at)"
        " VALUES ('old', 'old', 'page', 'old', now() - interval '1 day')"
    ),
    (
        "INSERT INTO alert_notice (alert_id, channel, kind, attempts, failure)"
        " SELECT id, 'webhook', 'cleared', 3, 'HTTP 500' FROM alert"
    ),
)
_WORKS = "INSERT INTO worker_heartbeat (name, queues) VALUES ('all', 'debit,pay,resolve,ask,sms')"
_UNTOLD = (
    "INSERT INTO balance_query (id, asked_at, ended_at)"
    " SELECT gen_random_uuid(), now(), now() FROM generate_series(1, 3)"
)
_READ = (
    "INSERT INTO float_reading (cents, said_at, query_id) SELECT 1, now(), id FROM balance_query"
)
_OTHER_PAYEE = (
    "INSERT INTO evidence (payout_id, source, class, payee)"
    " SELECT id, 'callback', 'success', 'other' FROM payout"
)
_LOOKED = (
    "INSERT INTO payee_check (member_id, msisdn, reference, reason, checked_by)"
    " SELECT member_id, msisdn, reference, 'ID seen', 'tests' FROM payout"
)
SCENARIOS = {
    "float_untold": Scenario((_UNTOLD,), (_READ,)),
    "payee_differs": Scenario((_OTHER_PAYEE,), (_LOOKED,)),
    "doubt_old": Scenario((_OLD.format(45),), (_YOUNG,)),
    "doubt_very_old": Scenario((_OLD.format(200),), (_YOUNG,)),
    "payout_frozen": Scenario(
        ("UPDATE payout SET frozen = true, failure = 'two receipts'",),
        ("UPDATE payout SET frozen = false",),
    ),
    "paid_after_reversal": Scenario(
        ("UPDATE payout SET state = 'recovery', evidence_id = 1",),
        ("UPDATE payout SET state = 'recovered'",),
    ),
    "dead_letter": Scenario(
        ("INSERT INTO dead_letter (payout_id, step, reason) SELECT id, 'pay', 'x' FROM payout",),
        ("UPDATE dead_letter SET closed_at = now()",),
    ),
    "doubt_needs_person": Scenario(
        ("UPDATE payout SET first_call_at = now() - interval '25 hours'",),
        ("UPDATE payout SET first_call_at = now()",),
    ),
    "payment_taken_back": Scenario(
        (
            "UPDATE payout SET state = 'paid', receipt = 'SKL61MQ8WL', evidence_id = 1",
            _TAKEN_BACK,
        ),
        ("UPDATE payout SET state = 'returned'",),
    ),
    "proposal_waits": Scenario(
        (_STAFF, _PROPOSAL),
        ("UPDATE case_proposal SET outcome = 'void', decided_at = now()",),
    ),
    "statement_missing": Scenario((_PAID_YESTERDAY,), (_STATEMENT,)),
    "break_old": Scenario(
        (_OLD_BREAK,),
        ("UPDATE reconciliation_break SET cleared_at = now()",),
    ),
    "results_silent": Scenario((_ACCEPTED,), (_RESULT.format(60, "now()"),)),
    "doubt_sum": Scenario(
        ("UPDATE payout SET state = 'in_doubt', amount_cents = 60000000",),
        ("UPDATE payout SET amount_cents = 150000",),
    ),
    "results_slow": Scenario(
        (_CALLS.format("accepted"), _RESULT.format(0, "now()")), (_CALLS_OLD,)
    ),
    "calls_failing": Scenario((_CALLS.format("in_doubt"),), (_CALLS_OLD,)),
    "callbacks_forged": Scenario(
        ("INSERT INTO callback_refusal (reason, callbacks) VALUES ('wrong token', 21)",),
        ("UPDATE callback_refusal SET at = now() - interval '1 hour'",),
    ),
    "credential_expires": Scenario(
        ("INSERT INTO expiry VALUES ('initiator password', current_date + 13)",),
        ("UPDATE expiry SET expires_on = current_date + 90",),
    ),
    "redis_away": Scenario(
        ("INSERT INTO redis_outage (since) VALUES (now() - interval '1 minute')",),
        ("DELETE FROM redis_outage",),
    ),
    "alert_unsent": Scenario(_UNSENT, ("UPDATE alert_notice SET due_at = NULL",)),
    "nobody_works": Scenario((_BEAT.format("clock", 1),), (_WORKS,)),
    "audit_missing": Scenario(
        (_WORKS, _BEAT.format("clock", 60), _AUDIT.format(0, 0, 10, "[]")),
        (_AUDIT.format(0, 0, 1, "[]"),),
    ),
    "invariant_broken": Scenario(
        (_AUDIT.format(1, 0, 1, _FOUND.format("broken")),), (_AUDIT.format(0, 0, 0, "[]"),)
    ),
    "invariant_unanswered": Scenario(
        (_AUDIT.format(0, 1, 1, _FOUND.format("unanswered")),), (_AUDIT.format(0, 0, 0, "[]"),)
    ),
    "callbacks_wait": Scenario(
        (_RESULT.format(60, "NULL"),), ("UPDATE inbox SET worked_at = now()",)
    ),
    "sign_ins_refused": Scenario(
        (
            (
                "INSERT INTO staff_action (action, source)"
                " SELECT 'code_refused', '10.0.0.1' FROM generate_series(1, 10)"
            ),
        ),
        (_PAST.format("2 hours"), "SELECT seal_staff_actions(100)"),
    ),
    "record_unsealed": Scenario(
        (
            (
                "INSERT INTO staff_action (action, source, at)"
                " VALUES ('tested', 'tests', now() - interval '11 minutes')"
            ),
        ),
        ("SELECT seal_staff_actions(100)",),
    ),
    "pins_guessed": Scenario(
        (_WRONG_PINS,), ("UPDATE pin_attempt SET at = now() - interval '2 hours'",)
    ),
    "sms_unpaid": Scenario(
        ("INSERT INTO sms_pause (reason, probe_at) VALUES ('405', now())",),
        ("DELETE FROM sms_pause",),
    ),
    "sms_late": Scenario(
        (_SMS.format("queued", "now() - interval '5 minutes'", "NULL", 1),),
        ("UPDATE message SET due_at = NULL",),
    ),
    "sms_failing": Scenario(
        (_SMS.format("failed", "NULL", "now()", 30),),
        ("UPDATE message SET finished_at = now() - interval '2 hours'",),
    ),
}


@pytest.fixture
def payout(db: Database, redis_url: str) -> str:
    return Stories(db, redis_url).submitted()


def do(owner: Database, statements: tuple[str, ...]) -> None:
    with owner.transaction() as tx:
        tx.exec_driver_sql(GUARDS_OFF)
        for statement in statements:
            tx.exec_driver_sql(statement)


def look(db: Database) -> dict[str, list[str]]:
    """What is open after the rules were asked: subjects by rule."""
    with db.transaction() as tx:
        alerting.evaluate(tx)
    found: dict[str, list[str]] = {}
    with db.transaction() as tx:
        for one in alerting.listed(tx, with_cleared=False, limit=200):
            found.setdefault(one.rule, []).append(one.subject)
    return found


def test_every_rule_has_a_scenario() -> None:
    """Whoever adds a rule shows how it fires; a name is used once."""
    names = [rule.name for rule in alerting.rules()]
    assert sorted(names) == sorted({*SCENARIOS, *ELSEWHERE})


@pytest.mark.parametrize("rule", SCENARIOS)
def test_a_rule_fires_and_clears(db: Database, owner_db: Database, payout: str, rule: str) -> None:
    """Nothing is wrong, then just this is, then nothing is; what was stays on record."""
    assert {} == look(db)
    do(owner_db, SCENARIOS[rule].plant)
    assert rule in look(db)
    assert [rule] == list(look(db)), "seen again, it is the same alert"
    do(owner_db, SCENARIOS[rule].heal)
    assert {} == look(db)
    with db.transaction() as tx:
        kept = alerting.listed(tx, with_cleared=True, limit=10)
    assert {one.rule for one in kept} - {"old"} == {rule}
    assert all(one.cleared_at is not None for one in kept)


@pytest.mark.parametrize(("minutes", "alerts"), [(9, 1), (11, 2)])
def test_what_comes_back_soon_is_the_same_alert(
    db: Database, owner_db: Database, payout: str, minutes: int, alerts: int
) -> None:
    """Whatever flaps is one alert; what comes back later is a new one."""
    for _ in range(2):
        do(owner_db, SCENARIOS["payout_frozen"].plant)
        assert {"payout_frozen": [payout]} == look(db)
        assert {"payout_frozen": [payout]} == look(db)
        do(owner_db, SCENARIOS["payout_frozen"].heal)
        assert {} == look(db)
        with owner_db.transaction() as tx:
            past = sa.text("UPDATE alert SET cleared_at = now() - make_interval(mins => :minutes)")
            tx.execute(past, {"minutes": minutes})
    with db.transaction() as tx:
        assert alerts == len(alerting.listed(tx, with_cleared=True, limit=10))


def test_an_acknowledged_alert_stays_until_it_is_over(
    db: Database, owner_db: Database, payout: str
) -> None:
    """It says who is at it, on record, and clears like any other."""
    do(owner_db, SCENARIOS["payout_frozen"].plant)
    look(db)
    with db.transaction() as tx:
        said = alerting.acknowledge(tx, "payout_frozen", None, reason="asking", by=AMINA)
        assert [payout] == said
    assert {"payout_frozen": [payout]} == look(db)
    with db.transaction() as tx:
        (one,) = alerting.listed(tx, with_cleared=False, limit=10)
        assert one.acknowledged_by == AMINA.title
        assert 1 == tx.scalar(
            sa.text("SELECT count(*) FROM staff_action WHERE action = 'alert_acknowledged'")
        )
    do(owner_db, SCENARIOS["payout_frozen"].heal)
    assert {} == look(db)
    with db.transaction() as tx, pytest.raises(NoSuchAlert):
        alerting.acknowledge(tx, "payout_frozen", None, reason="asking", by=AMINA)


@pytest.mark.parametrize("query", ["SELECT 1 / 0, 'x'", "SELECT 'x', pg_sleep(5)::text"])
def test_a_rule_that_breaks_is_an_alert_and_stops_nobody(
    db: Database, owner_db: Database, payout: str, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    """What it had opened stays open: that it cannot be asked does not mean that it is over."""
    do(owner_db, SCENARIOS["payout_frozen"].plant)
    do(owner_db, SCENARIOS["dead_letter"].plant)
    look(db)
    good = alerting.rules()
    broken = tuple(
        Rule(one.name, one.severity, one.do, query) if one.name == "payout_frozen" else one
        for one in good
    )
    monkeypatch.setattr(alerting, "rules", lambda: broken)
    assert {BROKEN: ["payout_frozen"], "payout_frozen": [payout], "dead_letter": [payout]} == look(
        db
    )
    monkeypatch.setattr(alerting, "rules", lambda: good)
    do(owner_db, SCENARIOS["payout_frozen"].heal)
    assert {"dead_letter": [payout]} == look(db)


def test_only_one_process_asks_at_a_time(db: Database, owner_db: Database, payout: str) -> None:
    do(owner_db, SCENARIOS["payout_frozen"].plant)
    with owner_db.transaction() as other:
        alerting.evaluate(other)
        assert {} == look(db)


@pytest.fixture
def typed(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What a command prints."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)

    def run(*words: str) -> str:
        done = CliRunner().invoke(alerts, words, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    return run


def test_the_commands_say_what_is_wrong_and_what_to_do(
    db: Database, owner_db: Database, payout: str, typed: Callable[..., str]
) -> None:
    assert "Nothing is wrong." in typed("list")
    do(owner_db, SCENARIOS["dead_letter"].plant)
    look(db)
    told = typed("list")
    assert payout in told
    assert "`baraza dead-letters retry`" in told
    assert payout in typed("ack", "dead_letter", payout, "--reason", "looking")
    assert payout in typed("list", "--json")
    assert "dead_letter" in typed("rules")


def test_the_page_for_people_on_duty_shows_every_rule() -> None:
    """`baraza alerts rules --markdown` prints the table anew."""
    page = files("app").joinpath("docs/alerts.md").read_text("utf-8")
    assert as_markdown(alerting.rules()) == page[page.index("| rule |") :].strip()
    unexplained = [rule.name for rule in alerting.rules() if not rule.means]
    assert [] == unexplained
