"""Every known form of M-PESA's messages, through the real door, and what each does to a payout.

One row is one form: posted over HTTP to the running application, filed, classified, folded. So a
row says how a message is read *and* whether money moves because of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from app import ids
from app.db import Database
from app.payouts.evidence import Class
from app.providers import result_codes
from tests.support import databases, web_site
from tests.support.databases import Logins
from tests.support.ledger import assert_coherent
from tests.support.mpesa_says import (
    DROPPED,
    OTHER,
    QUERY,
    Form,
    Payout,
    again,
    echo,
    envelope,
    failed,
    name_of,
    of_status,
    older_spellings,
    paid,
    paid_parameters,
    pairs,
    refused,
    status,
    status_parameters,
    two_debit_parties,
)
from tests.support.stories import Stories
from tests.support.web_site import Callbacks, loaded


@dataclass(frozen=True)
class Row:
    """One form, how it is read, and where the payout stands afterwards."""

    body: Form
    says: Class
    then: str
    """The payout's state; with `!` it is frozen."""
    code: str | None = "0"
    since: str = "submitted"
    """Where the payout stands before."""


ONE = {"Key": "CreditPartyName", "Value": "X"}
SUCCESS, NO, DOUBT = Class.SUCCESS, Class.DEFINITE_NO, Class.DOUBT
CONTRADICTION = Class.CONTRADICTION

RESULTS: dict[str, Row] = {
    # The envelope.
    "as documented": Row(paid(), SUCCESS, "paid"),
    "code as text": Row(paid(ResultCode="0"), SUCCESS, "paid"),
    "code as eight zeros": Row(paid(ResultCode="00000000"), SUCCESS, "paid"),
    "type as text": Row(paid(ResultType="0"), SUCCESS, "paid"),
    "without the envelope": Row(lambda p: paid()(p)["Result"], SUCCESS, "paid"),
    "without our id": Row(paid(OriginatorConversationID=DROPPED), SUCCESS, "paid"),
    "without reference data": Row(paid(ReferenceData=DROPPED), SUCCESS, "paid"),
    "reference data as a list": Row(
        paid(ReferenceData={"ReferenceItem": [{"Key": "A"}, {"Key": "B", "Value": 1}]}),
        SUCCESS, "paid",
    ),
    "reference item without value": Row(
        paid(ReferenceData={"ReferenceItem": {"Key": "Occasion"}}), SUCCESS, "paid"
    ),
    "more to come": Row(paid(ResultType=1), DOUBT, "in_doubt"),
    "a refusal with more to come": Row(refused(ResultType=1), DOUBT, "in_doubt", "2040"),
    "without a type": Row(paid(ResultType=DROPPED), DOUBT, "in_doubt"),
    "without a code": Row(paid(ResultCode=DROPPED), DOUBT, "in_doubt", None),
    "code null": Row(paid(ResultCode=None), DOUBT, "in_doubt", None),
    "code false": Row(paid(ResultCode=False), DOUBT, "in_doubt", None),
    "nothing but an envelope": Row(lambda _: {"Result": {}}, DOUBT, "in_doubt", None),
    # Ids.
    "another request's id": Row(paid(OriginatorConversationID="x-1"), DOUBT, "in_doubt"),
    "a refusal of another request": Row(
        refused(OriginatorConversationID="x-1"), DOUBT, "in_doubt", "2040"
    ),
    "another ConversationID": Row(paid(ConversationID="AG_other"), DOUBT, "in_doubt"),
    "no ConversationID": Row(paid(ConversationID=DROPPED), DOUBT, "in_doubt"),
    "another ConversationID, refused": Row(
        refused(ConversationID="AG_other"), DOUBT, "in_doubt", "2040"
    ),
    "before the acknowledgement": Row(paid(), SUCCESS, "paid", since="called"),
    "refused before the acknowledgement": Row(
        refused(), NO, "in_doubt", "2040", since="called"
    ),
    "for a payout that was never sent": Row(paid(), SUCCESS, "reserved!", since="reserved"),
    # Parameters: a list, one object, or none.
    "in another order": Row(
        lambda p: envelope(p, ResultParameters={"ResultParameter": paid_parameters(p)[::-1]}),
        SUCCESS, "paid",
    ),
    "parameters without their inner name": Row(
        lambda p: envelope(p, ResultParameters=paid_parameters(p)), SUCCESS, "paid"
    ),
    "one parameter as an object": Row(
        paid(ResultParameters={"ResultParameter": {"Key": "TransactionAmount", "Value": 1500}}),
        SUCCESS, "paid",
    ),
    "success with one foreign parameter": Row(
        paid(ResultParameters={"ResultParameter": ONE}), DOUBT, "in_doubt"
    ),
    "success without parameters": Row(paid(ResultParameters=DROPPED), DOUBT, "in_doubt"),
    "success with parameters null": Row(paid(ResultParameters=None), DOUBT, "in_doubt"),
    "success with an empty list": Row(
        paid(ResultParameters={"ResultParameter": []}), DOUBT, "in_doubt"
    ),
    "a refusal with one object": Row(
        refused(8006, ResultParameters={"ResultParameter": ONE}), NO, "in_doubt", "8006"
    ),
    "a refusal with a list": Row(
        refused(
            8006,
            ResultParameters={
                "ResultParameter": pairs({"ActionType": None, "BOCompletedTime": 1})
            },
        ),
        NO, "in_doubt", "8006",
    ),
    "a refusal with parameters null": Row(
        refused(2001, ResultParameters=None), NO, "in_doubt", "2001"
    ),
    "a refusal with something like a receipt": Row(refused(), NO, "in_doubt", "2040"),
    # Amounts.
    "amount as text": Row(paid({"TransactionAmount": "1500.00"}), SUCCESS, "paid"),
    "amount with a fraction of zeros": Row(paid({"TransactionAmount": 1500.0}), SUCCESS, "paid"),
    "another amount": Row(paid({"TransactionAmount": 1501}), CONTRADICTION, "submitted!"),
    "one cent less": Row(paid({"TransactionAmount": 1499.99}), CONTRADICTION, "submitted!"),
    "an amount below zero": Row(paid({"TransactionAmount": -1500}), CONTRADICTION, "submitted!"),
    "no amount": Row(paid({"TransactionAmount": DROPPED}), DOUBT, "in_doubt"),
    "amount with a comma": Row(paid({"TransactionAmount": "1,500"}), DOUBT, "in_doubt"),
    "two amounts": Row(
        again([{"Key": "TransactionAmount", "Value": 15_000}]), DOUBT, "in_doubt"
    ),
    "one amount twice": Row(
        again([{"Key": "TransactionAmount", "Value": 1500}]), SUCCESS, "paid"
    ),
    # Receipts.
    "receipt in the envelope alone": Row(
        paid({"TransactionReceipt": DROPPED}), SUCCESS, "paid"
    ),
    "no receipt anywhere": Row(
        paid({"TransactionReceipt": DROPPED}, TransactionID=DROPPED), DOUBT, "in_doubt"
    ),
    # Phones.
    "doubled spaces and apostrophes": Row(
        name_of(lambda n: f"{n} -  N'GANG'A  O'BRIEN"), SUCCESS, "paid"
    ),
    "the number alone": Row(name_of(lambda n: n), SUCCESS, "paid"),
    "with a plus": Row(name_of(lambda n: f"+{n} - A"), SUCCESS, "paid"),
    "as dialled at home": Row(name_of(lambda n: f"0{n[3:]} - A"), SUCCESS, "paid"),
    "masked": Row(name_of(lambda n: f"{n[:4]}***{n[-3:]} - A"), SUCCESS, "paid"),
    "masked with crosses": Row(name_of(lambda n: f"{n[:4]}xxxxx{n[-3:]} - A"), SUCCESS, "paid"),
    "a name alone": Row(name_of(lambda _: "WANJIKU KAMAU"), SUCCESS, "paid"),
    "no recipient": Row(paid({"ReceiverPartyPublicName": DROPPED}), SUCCESS, "paid"),
    "another phone": Row(name_of(lambda _: f"{OTHER[1:]} - A"), CONTRADICTION, "submitted!"),
    "another phone, masked": Row(
        name_of(lambda _: "2547***999 - A"), CONTRADICTION, "submitted!"
    ),
    # Moments and balances are of no weight for the payout.
    "another form of the moment": Row(
        paid({"TransactionCompletedDateTime": 20261123140552}), SUCCESS, "paid"
    ),
    "no moment": Row(paid({"TransactionCompletedDateTime": "soon"}), SUCCESS, "paid"),
    "balances as text": Row(
        paid({"B2CUtilityAccountAvailableFunds": "482310.50"}), SUCCESS, "paid"
    ),
}  # fmt: skip
"""Posted to a payout's result address."""

REFUSING = [
    "1", "2", "3", "4", "5", "6", "7", "8", "11", "12", "13", "14", "18", "20", "21", "22",
    "24", "25", "29", "2001", "2006", "2020", "2028", "2040", "2051", "8006", "SFC_IC0003",
    "R002", "R003", "100000005", "100000010",
]  # fmt: skip
DOUBTFUL = [
    "15", "17", "19", "26", "1001", "2007", "2029", "2043", "2202", "100000000", "100000001",
    "100000002", "100000004", "100000007", "100000009", "100000011", "00.002.1001", "424242",
    "no-such-code",
]  # fmt: skip


NOTICES: dict[str, Form] = {
    "our request sent back": echo(),
    "our request in an envelope": lambda payout: {"Result": echo()(payout)},
    "an envelope like a result's": lambda payout: envelope(payout, ResultCode=1),
    "an envelope like a success": paid(),
    "another request's": echo(OriginatorConversationID="x-1"),
    "nothing": lambda _: {},
    "a text": lambda _: "Timeout",
}
"""Posted to a payout's queue-timeout address. Whatever it holds, it only says: ask."""


OPEN, UNKNOWN, QUERYS = Class.OPEN, Class.NOT_KNOWN_NOW, Class.ABOUT_QUERY


STATUSES: dict[str, Row] = {
    "completed": Row(status(), SUCCESS, "paid"),
    "completed, asked in doubt": Row(status(), SUCCESS, "paid", since="in_doubt"),
    "completed in small letters": Row(of_status("completed "), SUCCESS, "paid"),
    "both sides as debit party": Row(two_debit_parties, SUCCESS, "paid"),
    "older spellings, all text": Row(older_spellings, SUCCESS, "paid"),
    "amount as text": Row(status({"Amount": "1500.00"}), SUCCESS, "paid"),
    "masked phone": Row(status({"CreditPartyName": "2547***"}), SUCCESS, "paid"),
    "no phone": Row(status({"CreditPartyName": DROPPED}), SUCCESS, "paid"),
    "initiated": Row(of_status("Initiated"), OPEN, "submitted", "Initiated"),
    "authorized": Row(of_status("Authorized"), OPEN, "submitted", "Authorized"),
    "pending": Row(
        of_status("Pending Authorized"), OPEN, "submitted", "Pending Authorized"
    ),
    "cancelled": Row(of_status("Cancelled"), NO, "reversed", "Cancelled"),
    "declined": Row(of_status("Declined"), NO, "reversed", "Declined"),
    "expired": Row(of_status("Expired"), NO, "reversed", "Expired"),
    "declined, asked in doubt": Row(
        of_status("Declined"), NO, "reversed", "Declined", since="in_doubt"
    ),
    "a status that nobody has seen": Row(of_status("Reversed"), DOUBT, "in_doubt", "Reversed"),
    "a status that resembles one": Row(
        of_status("Not Completed"), DOUBT, "in_doubt", "Not Completed"
    ),
    "no status": Row(of_status(DROPPED), DOUBT, "in_doubt"),
    "two statuses": Row(
        lambda p: envelope(
            p,
            **QUERY,
            ResultParameters={
                "ResultParameter": [
                    *status_parameters(p),
                    {"Key": "TransactionStatus", "Value": "Declined"},
                ]
            },
        ),
        DOUBT, "in_doubt",
    ),
    "not final": Row(status(ResultType=1), DOUBT, "in_doubt", "Completed"),
    "no parameters": Row(status(ResultParameters=DROPPED), DOUBT, "in_doubt"),
    "one parameter as an object": Row(
        status(ResultParameters={"ResultParameter": {"Key": "TransactionStatus",
                                                     "Value": "Declined"}}),
        NO, "reversed", "Declined",
    ),
    "completed without a receipt": Row(status({"ReceiptNo": DROPPED}), DOUBT, "in_doubt"),
    "completed without an amount": Row(status({"Amount": DROPPED}), DOUBT, "in_doubt"),
    "another amount": Row(status({"Amount": 1501}), CONTRADICTION, "submitted!"),
    "another phone": Row(
        status({"CreditPartyName": f"{OTHER[1:]} - A"}), CONTRADICTION, "submitted!"
    ),
    "about another request": Row(
        status({"OriginatorConversationID": "x-1"}), QUERYS, "submitted"
    ),
    "does not exist": Row(failed(2032), UNKNOWN, "submitted", "2032"),
    "does not exist, the other code": Row(failed("2033"), UNKNOWN, "submitted", "2033"),
    "does not exist, asked in doubt": Row(
        failed(2032), UNKNOWN, "in_doubt", "2032", since="in_doubt"
    ),
    "nothing readable": Row(lambda _: {"Result": {}}, QUERYS, "submitted", None),
    **{
        f"the query failed: {code}": Row(failed(code), QUERYS, "submitted", str(code))
        for code in (25, 2001, 8006, 21, "SFC_IC0003", 17, 26, 424242)
    },
}  # fmt: skip
"""Posted to a query's result address."""


@dataclass
class World:
    """A running Baraza, and payouts to speak of."""

    mpesa: Callbacks

    def payout(self, since: str) -> Payout:
        """A new payout that stands there."""
        reference: str = getattr(self.mpesa.stories, since)()
        [row] = self.mpesa.rows(
            "SELECT id::text, msisdn FROM payout WHERE reference = :reference", reference
        )
        return Payout(row.id, reference, row.msisdn.removeprefix("+"))

    def query(self, payout: Payout) -> str:
        """The id of a status query about it."""
        with self.mpesa.stories.db.transaction() as tx:
            at = tx.scalar(sa.select(sa.func.clock_timestamp()))
            assert at is not None
            query_id = ids.uuid7(at)
            tx.execute(
                sa.text("INSERT INTO status_query (id, payout_id) VALUES (:id, :payout)"),
                {"id": query_id, "payout": payout.id},
            )
        return str(query_id)

    def tell(self, key: str, door: str, body: Any) -> None:
        """Post it to a door, which must take it, and let resolve work."""
        answer = self.mpesa.post(self.mpesa.path(key, door), body)
        assert (200, 0) == (answer.status_code, answer.json()["ResultCode"])
        self.mpesa.stories.resolve()

    def stands(self, payout: Payout) -> str:
        """The payout's state, with `!` when it is frozen."""
        [row] = self.mpesa.rows(
            "SELECT state, frozen FROM payout WHERE reference = :reference", payout.reference
        )
        return f"{row.state}{'!' if row.frozen else ''}"

    def read_as(self, payout: Payout) -> tuple[str, str | None]:
        """Class and code of the newest evidence about it."""
        [row] = self.mpesa.rows(
            "SELECT class, code FROM evidence WHERE inbox_id IS NOT NULL AND payout_id ="
            " (SELECT id FROM payout WHERE reference = :reference) ORDER BY id DESC LIMIT 1",
            payout.reference,
        )
        return row[0], row[1]


@pytest.fixture(scope="module")
def world(database_server: Logins, database_template: str, redis_server: str) -> Iterator[World]:
    """One for all rows: each speaks of a payout of its own."""
    with databases.copy(database_server, database_template) as logins:
        db = Database(logins.application, name="tests")
        settings = loaded(logins.application, redis_server)
        with web_site.serving(settings) as url:
            yield World(Callbacks(url, settings, Stories(db, redis_server)))
        db.close()
        owner = Database(logins.owner, role=None, name="tests")
        assert_coherent(owner)
        owner.close()


@pytest.mark.parametrize("name", RESULTS)
def test_a_result(world: World, name: str) -> None:
    """Settled only by a success that fits in everything; given back by no callback alone."""
    row = RESULTS[name]
    payout = world.payout(row.since)
    world.tell(payout.id, "b2c/result", row.body(payout))
    assert (row.says, row.code) == world.read_as(payout)
    assert row.then == world.stands(payout)


@pytest.mark.parametrize("code", [*REFUSING, *DOUBTFUL])
def test_a_result_code(world: World, code: str) -> None:
    """A refusing code is asked about at once; any other only says that nobody knows."""
    payout = world.payout("submitted")
    world.tell(payout.id, "b2c/result", refused(int(code) if code.isdigit() else code)(payout))
    assert (NO if code in REFUSING else DOUBT, code) == world.read_as(payout)
    assert "in_doubt" == world.stands(payout)
    due = "SELECT ask_due_at <= now() + interval '5 s' FROM payout WHERE reference = :reference"
    assert [(True,)] == world.mpesa.rows(due, payout.reference)


def test_every_code_of_the_table_is_a_row_here() -> None:
    """So that a code which is added gets its row."""
    rows = {result_codes.SUCCESS, *REFUSING, *DOUBTFUL}
    assert set() == set(result_codes.TABLE) - rows


@pytest.mark.parametrize("name", NOTICES)
@pytest.mark.parametrize("since", ["called", "submitted"])
def test_a_queue_timeout_notice(world: World, name: str, since: str) -> None:
    """It is never taken for a result, whatever it holds, and its credential is not kept."""
    payout = world.payout(since)
    world.tell(payout.id, "b2c/timeout", NOTICES[name](payout))
    assert (DOUBT, "queue-timeout") == world.read_as(payout)
    assert "in_doubt" == world.stands(payout)
    assert [] == world.mpesa.rows("SELECT FROM inbox WHERE body::text LIKE '%canary%'")


def test_a_result_after_a_queue_timeout_notice_counts(world: World) -> None:
    payout = world.payout("submitted")
    world.tell(payout.id, "b2c/timeout", echo()(payout))
    world.tell(payout.id, "b2c/result", paid()(payout))
    assert "paid" == world.stands(payout)


@pytest.mark.parametrize("name", STATUSES)
def test_a_status_answer(world: World, name: str) -> None:
    """Only M-PESA's word for the payout's state counts, never the code of the query."""
    row = STATUSES[name]
    payout = world.payout(row.since)
    world.tell(world.query(payout), "status/result", row.body(payout))
    assert (row.says, row.code) == world.read_as(payout)
    assert row.then == world.stands(payout)


@pytest.mark.parametrize("body", [{}, status, "Timeout"])
def test_a_status_query_that_timed_out(world: World, body: Any) -> None:
    """It says nothing about the payout, even if it holds an answer."""
    payout = world.payout("submitted")
    told = body()(payout) if callable(body) else body
    world.tell(world.query(payout), "status/timeout", told)
    assert (QUERYS, None) == world.read_as(payout)
    assert "submitted" == world.stands(payout)


@pytest.mark.parametrize(
    ("code", "answer", "then"),
    [
        (2040, failed(2032), "reversed"),
        (2040, of_status("Declined"), "reversed"),
        (8, failed(2032), "in_doubt"),
        (8, of_status("Declined"), "reversed"),
        (8, of_status("Initiated"), "in_doubt"),
        (8, failed(25), "in_doubt"),
        (8, status(), "paid"),
        (2040, status(), "paid"),
    ],
)
def test_a_status_answer_after_a_refusing_result(
    world: World, code: int, answer: Form, then: str
) -> None:
    """A "does not exist" confirms only what M-PESA refuses before there is a transaction."""
    payout = world.payout("submitted")
    world.tell(payout.id, "b2c/result", refused(code)(payout))
    world.tell(world.query(payout), "status/result", answer(payout))
    assert then == world.stands(payout)


def test_a_receipt_that_another_payout_has(world: World) -> None:
    """One payment is not two."""
    first, second = world.payout("submitted"), world.payout("submitted")
    world.tell(first.id, "b2c/result", paid()(first))
    borrowed = paid({"TransactionReceipt": first.receipt})(second)
    world.tell(second.id, "b2c/result", borrowed)
    assert (CONTRADICTION, "0") == world.read_as(second)
    assert ("paid", "submitted!") == (world.stands(first), world.stands(second))


@pytest.mark.parametrize(
    ("first", "second", "then"),
    [
        (paid(), refused(), "paid!"),
        (paid(), paid({"TransactionReceipt": "ANOTHER111"}), "paid!"),
        (refused(), paid(), "in_doubt!"),
    ],
    ids=["paid, then refused", "paid under two receipts", "refused, then paid"],
)
def test_results_that_contradict_each_other(
    world: World, first: Form, second: Form, then: str
) -> None:
    """A person decides; nothing that was booked is undone."""
    payout = world.payout("submitted")
    world.tell(payout.id, "b2c/result", first(payout))
    world.tell(payout.id, "b2c/result", second(payout))
    assert then == world.stands(payout)
