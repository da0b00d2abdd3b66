"""Finance reconciles a day with three planted differences on the console, and it is signed."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from app.db import Database
from tests.support import pdf_text, staff_site
from tests.support.databases import Logins
from tests.support.staff_site import Browser, Site, csrf_token
from tests.support.statement import (
    SHORTCODE,
    Moved,
    become_yesterday,
    paid_line,
    today,
    top_up,
    written,
)
from tests.support.stories import Stories

AMINA, BARAKA = "amina@sacco.example", "baraka@sacco.example"
EVIL = "=1+<script>alert(1)</script>\"'" + "x" * 200
Sent = Callable[..., str]


@pytest.fixture
def site(db: Database, database_logins: Logins) -> Iterator[Site]:
    with staff_site.running(
        db,
        database_url=database_logins.application,
        redis_url="redis://127.0.0.1:1/0",
        daraja_shortcode=SHORTCODE,
    ) as served:
        served.hire(AMINA, "finance")
        served.hire(BARAKA, "manager")
        yield served


def signed_in(site: Site, email: str) -> Browser:
    browser = site.browser()
    assert browser.sign_in(email).status_code == 303
    return browser


def post(browser: Browser, path: str, file: bytes | None = None, **fields: str) -> str:
    """Send a form, with a file if there is one; the text of the page that it leads to."""
    token = csrf_token(browser.get("/staff/reconciliation").text)
    answer = browser.http.post(
        browser.site.url + path,
        data={"csrf_token": token, **fields},
        files={"file": ("statement.csv", file)} if file is not None else None,
        allow_redirects=False,
        timeout=30,
    )
    return (
        browser.get(answer.headers["Location"]).text if answer.status_code == 303 else answer.text
    )


def test_three_differences_are_found_explained_and_signed_by_another(
    site: Site, db: Database, owner_db: Database, redis_url: str
) -> None:
    """One payment is missing, one is nobody's, one is a charge; each is seen before."""
    stories = Stories(db, redis_url)
    there, missing = stories.paid(), stories.paid()
    line = paid_line(db, there)
    lines = [
        top_up(db),
        line,
        Moved("SKL80MQ8WL", line.at + timedelta(minutes=1), -700_00, "Business Payment by portal"),
        Moved("SKL81MQ8WL", line.at + timedelta(minutes=2), -30_00, "B2C Charge"),
    ]
    day = become_yesterday(db, owner_db)
    begins = today(db) - timedelta(days=1)
    file = written(lines, begins=begins, ends=begins + timedelta(days=3))
    amina, baraka = signed_in(site, AMINA), signed_in(site, BARAKA)

    shown = post(amina, "/staff/reconciliation/upload", file)
    assert "Nothing of it is imported yet." in shown
    assert "payments to customers" in shown
    assert "Everything agrees" in amina.get("/staff/reconciliation").text
    path = re.search(r'action="(/staff/reconciliation/statements/[0-9a-f]{64}/import)"', shown)
    assert path
    found = post(amina, path[1])
    assert "What does not agree (3)" in re.sub(r"<[^>]+>", "", found)
    assert missing in found
    assert there not in found
    assert "RC-20" in post(amina, "/staff/reconciliation/days", day=day)
    assert "RC-30" in post(amina, path[1])
    assert "RC-01" in post(amina, *_again(amina, file))
    for number in re.findall(r"/staff/reconciliation/breaks/(\d+)/explain", found):
        explained = post(
            amina,
            f"/staff/reconciliation/breaks/{number}/explain",
            reason=f"voucher {number} {EVIL}",
        )
    assert "Everything agrees" in explained
    assert "RC-22" in post(amina, "/staff/reconciliation/days", day=day)
    signed = post(baraka, "/staff/reconciliation/days", day=day)
    assert "as it was signed" in signed
    assert signed.count("voucher") == 3
    assert "<script>alert" not in signed
    assert "Signature" in signed
    paper = baraka.get(f"/staff/reconciliation/{day}.pdf")
    assert paper.headers["Content-Type"] == "application/pdf"
    printed = pdf_text.texts(paper.content)
    assert sum("voucher" in one for one in printed) == 3
    assert "".join(printed).replace(" ", "").count("=1+<script>alert(1)</script>") == 3
    assert {"as it was signed", BARAKA, "Paid", "Signature (Ed25519)"} <= set(printed)
    sha256 = re.search(r"SHA-256</dt><dd><code>([0-9a-f]{64})", signed)
    assert sha256
    assert sha256[1] in "".join(printed)
    assert "RC-21" in baraka.get("/staff/reconciliation/2026-01-01.pdf").text
    assert "CO-11" in baraka.get("/staff/reconciliation/nothing.pdf").text


def _again(browser: Browser, file: bytes) -> tuple[str]:
    """The address that would import the same file once more."""
    shown = post(browser, "/staff/reconciliation/upload", file)
    path = re.search(r'action="(/staff/reconciliation/statements/[0-9a-f]{64}/import)"', shown)
    assert path
    return (path[1],)


def test_what_is_no_statement_is_refused_with_the_cure(site: Site) -> None:
    """Also a file that is larger than others may send, and a line that does not add up."""
    amina = signed_in(site, AMINA)
    assert "CO-10" in post(amina, "/staff/reconciliation/upload", b"")
    assert "MB-05" in post(amina, "/staff/reconciliation/upload", b"<html>sign in</html>")
    assert "MB-05" in post(amina, "/staff/reconciliation/upload", b"x" * 200_000)
    begins = today(site.db) - timedelta(days=1)
    lines = [Moved("SKL80MQ8WL", begins + timedelta(hours=1), -700_00)]
    file = written(lines, begins=begins, ends=begins + timedelta(days=1))
    shown = post(amina, "/staff/reconciliation/upload", file.replace(b"-700.00", b"-600.00", 1))
    assert "lines have faults" in shown
    assert "Import it" not in shown
    assert "CO-11" in post(amina, "/staff/reconciliation/days", day="23/11")
    assert "RC-21" in amina.get("/staff/reconciliation/days/2026-01-01").text


def test_nobody_else_may_send_large_files(site: Site) -> None:
    """What is large is not even read from those who may not reconcile."""
    site.hire("help@sacco.example", "support")
    browser = signed_in(site, "help@sacco.example")
    site.app.config["MAX_CONTENT_LENGTH"] = 128 * 1024
    answer = browser.http.post(
        site.url + "/staff/reconciliation/upload",
        files={"file": ("statement.csv", b"x" * 200_000)},
        timeout=30,
    )
    assert answer.status_code == 413
