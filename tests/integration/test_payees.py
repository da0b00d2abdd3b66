"""M-PESA names another payee than the member: a flag for people, and nothing for money."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.db import Database
from app.operations import alerting
from tests.support.caring import paid, result
from tests.support.databases import Logins
from tests.support.ledger import assert_coherent
from tests.support.typing_commands import Run, typist
from tests.support.working import Working, working

PARTY = "ReceiverPartyPublicName"
STRANGER = "ZACHARIA BARAKA"


@pytest.fixture
def site(
    tmp_path: Path, db: Database, owner_db: Database, database_url: str, redis_url: str
) -> Iterator[Working]:
    with working(tmp_path, db=db, database_url=database_url, redis_url=redis_url) as made:
        yield made
    assert_coherent(owner_db)


@pytest.fixture
def run(
    db: Database, database_logins: Logins, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Run:
    environment = {"DATABASE_URL": database_logins.application, "REDIS_URL": redis_url}
    return typist(db, monkeypatch, staff={}, environment=environment)


def pay(site: Working, number: int, name: str) -> str:
    """A payout to the person of this number, whom M-PESA knows by this name."""
    reference = site.stories.reserved()
    site.context.pay.run()
    site.context.resolve.run()
    paid(site, reference, **{PARTY: f"254712{number:06d} - {name}"})
    assert "paid" == site.stories.state(reference)
    return reference


def alerts(site: Working) -> list[tuple[str, str]]:
    (rule,) = [rule for rule in alerting.rules() if rule.name == "payee_differs"]
    with site.stories.db.transaction() as tx:
        return [(row[0], row[1]) for row in alerting.findings(tx, rule)]


def test_another_name_is_flagged_until_somebody_looks(
    site: Working, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """The payout is paid all the same, and the stranger's name is told nowhere."""
    fits = pay(site, 1, "KAMAU W")
    other = pay(site, 2, STRANGER)
    ((subject, detail),) = alerts(site)
    assert ("M002", True) == (subject, other in detail)
    told = run("payouts", "show", other).output
    assert "M-PESA has another name for this number" in told
    assert "names another payee" in told
    assert "another name" not in run("payouts", "show", fits).output
    as_json = run("payouts", "show", other, "--json").output
    assert "other" == json.loads(as_json)["payee"]
    assert "PO-41" in run("payouts", "payee-checked", fits, "--reason", "x").output
    looked = run("payouts", "payee-checked", other, "--reason", "maiden name, ID seen")
    assert "M002" in looked.output
    assert [] == alerts(site)
    shown = run("payouts", "show", other).output
    assert "maiden name, ID seen" in shown
    assert "ZACHARIA" not in told + as_json + detail + shown + capsys.readouterr().out


def test_no_name_and_a_contradiction_flag_nobody(site: Working) -> None:
    """Another number freezes the payout, which is told louder."""
    pay(site, 1, "")
    pay(site, 2, "Z*****")
    reference = site.stories.reserved()
    site.context.pay.run()
    site.context.resolve.run()
    result(
        site,
        reference,
        "0",
        TransactionReceipt="SABC",
        TransactionAmount=1500,
        **{PARTY: f"254799999999 - {STRANGER}"},
    )
    assert [] == alerts(site)
