"""Cases, and two people who end them: what they may, what they must show, what comes of it."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.db import Database, constraint_of
from app.ledger import statements
from app.ledger.posting import InsufficientFunds
from app.operations import invariants, story
from app.payouts import cases, proofs, proposals
from app.payouts.cases import NothingToAsk, TooLateToResend
from app.payouts.proofs import Action, NotNow, ProofMissing
from app.payouts.proposals import (
    BeingWorked,
    Effect,
    NoSuchProposal,
    ProposedAlready,
    SamePerson,
    Void,
)
from tests.support.long_ago import RECEIPT, statement, yesterday
from tests.support.statement import GUARDS_OFF
from tests.support.stories import AMOUNT_CENTS, SAVINGS_CENTS, SCHEDULE, Stories


@pytest.fixture
def stories(db: Database, redis_url: str) -> Stories:
    return Stories(db, redis_url)


def open_cases(db: Database, *, to_come: bool = False) -> dict[str, str]:
    """The kind of each case, by its payout."""
    with db.transaction() as tx:
        return {one.reference: one.kind for one in cases.listed(tx, limit=50, to_come=to_come)}


def propose(stories: Stories, reference: str, action: Action, **given: str) -> int:
    """The first member of staff proposes."""
    by = stories.someone(1)
    with stories.db.transaction() as tx:
        number, _ = proposals.propose(
            tx, reference, action, SCHEDULE, reason="seen", by=by, **given
        )
    return number


def approve(stories: Stories, number: int, *, who: int = 2) -> Effect:
    """The second agrees."""
    by = stories.someone(who)
    with stories.db.transaction() as tx:
        return proposals.approve(tx, number, SCHEDULE, by=by)


def frozen(stories: Stories) -> str:
    """M-PESA said that it paid another amount."""
    reference = stories.submitted()
    stories.told(reference, "callback", "contradiction", code="0", receipt=RECEIPT)
    return reference


def savings(db: Database, reference: str) -> int:
    with db.transaction() as tx:
        query = sa.text("SELECT account_id FROM payout WHERE reference = :reference")
        return statements.available(tx, tx.execute(query, {"reference": reference}).scalar_one())


def texts(db: Database, reference: str) -> list[str]:
    with db.transaction() as tx:
        query = sa.text(
            "SELECT kind FROM message JOIN payout p ON p.id = payout_id"
            " WHERE reference = :reference ORDER BY queued_at, message.id"
        )
        return list(tx.scalars(query, {"reference": reference}))


def all_is_right(db: Database) -> None:
    with db.transaction() as tx:
        assert [f for f in invariants.run(tx) if not f.ok] == []


# -- what is a case ------------------------------------------------------------------------------


def test_cases_open_and_close_by_themselves(
    stories: Stories, db: Database, owner_db: Database
) -> None:
    """A contradiction at once, a doubt after a day; an end closes them."""
    assert {} == open_cases(db)
    contradicted, doubtful = frozen(stories), stories.in_doubt()
    owed = stories.recovery()
    assert {contradicted: "contradiction", owed: "recovery"} == open_cases(db)
    assert "doubt" == open_cases(db, to_come=True)[doubtful]
    yesterday(owner_db, doubtful, hours=25)
    assert "doubt" == open_cases(db)[doubtful]
    stories.pay(doubtful)
    stories.ruled(owed, Action.GIVE_UP)
    assert {contradicted: "contradiction"} == open_cases(db)


def test_a_person_may_ask_about_what_is_frozen(stories: Stories, db: Database) -> None:
    """Asking is harmless. About what was never sent, or has ended, there is nothing to ask.

    Nor while the call is under way: no step would put the question, and nobody may think it did.
    """
    reference = frozen(stories)
    by = stories.someone(1)
    with db.transaction() as tx:
        cases.ask(tx, reference, by=by)
        due = "SELECT ask_due_at <= now() FROM payout WHERE reference = :reference"
        assert tx.scalar(sa.text(due), {"reference": reference})
    for settled in (stories.reserved(), stories.called(), stories.paid()):
        with pytest.raises(NothingToAsk), db.transaction() as tx:
            cases.ask(tx, settled, by=by)


def test_a_person_may_resend_only_while_m_pesa_is_sure_to_know_it_again(
    stories: Stories, db: Database, owner_db: Database
) -> None:
    """After the window it could be paid twice, and once acknowledged there is nothing to send."""
    doubtful, by = stories.in_doubt(), stories.someone(1)
    with db.transaction() as tx:
        cases.resend(tx, doubtful, SCHEDULE, by=by)
    yesterday(owner_db, doubtful, hours=1)
    for refused in (doubtful, stories.submitted(), frozen(stories)):
        with pytest.raises(TooLateToResend), db.transaction() as tx:
            cases.resend(tx, refused, SCHEDULE, by=by)


# -- two people ----------------------------------------------------------------------------------


def test_nothing_happens_until_another_person_agrees(stories: Stories, db: Database) -> None:
    """The preview shows the entries and the SMS, and does nothing; then just that is done."""
    reference = stories.paid()
    stories.told(reference, "statement", "taken_back")
    before, by = savings(db, reference), stories.someone(1)
    with db.transaction() as tx:
        number, preview = proposals.propose(
            tx, reference, Action.TAKE_BACK, SCHEDULE, reason="on the statement", by=by
        )
    assert ("paid", "returned") == (preview.state_before, preview.state)
    assert ("paid", before, ["sent"]) == (
        stories.state(reference), savings(db, reference), texts(db, reference)
    )  # fmt: skip
    with pytest.raises(SamePerson):
        approve(stories, number, who=1)
    done = approve(stories, number)
    assert [(one.gl_name, one.cents) for one in preview.entries] == [
        (one.gl_name, one.cents) for one in done.entries
    ]
    assert preview.sms == done.sms
    assert "returned" == stories.state(reference)
    assert SAVINGS_CENTS == savings(db, reference)
    assert ["sent", "returned"] == texts(db, reference)
    with pytest.raises(NoSuchProposal):
        approve(stories, number)
    all_is_right(db)


def test_a_proposal_is_void_once_anything_new_is_said(stories: Stories, db: Database) -> None:
    """Also one piece of evidence that changes nothing by itself; a repeated "not known" is none."""
    reference = frozen(stories)
    stories.told(reference, "status", "success", receipt=RECEIPT, amount_cents=AMOUNT_CENTS)
    number = propose(stories, reference, Action.SETTLE, receipt=RECEIPT)
    stories.told(reference, "status", "not_known_now")
    with db.transaction() as tx:
        proposals.look(tx, number, SCHEDULE)
    stories.told(reference, "status", "open")
    with pytest.raises(Void, match="something was said"):
        approve(stories, number)
    assert "submitted" == stories.state(reference)


def test_one_proposal_at_a_time_and_it_can_be_taken_back(stories: Stories, db: Database) -> None:
    """By its maker too; then another may be made."""
    reference = stories.recovery()
    number = propose(stories, reference, Action.GIVE_UP)
    with pytest.raises(ProposedAlready):
        propose(stories, reference, Action.MAKE_GOOD, paid_by="savings")
    with db.transaction() as tx:
        proposals.reject(tx, number, reason="she will pay", by=stories.someone(1))
    propose(stories, reference, Action.MAKE_GOOD, paid_by="savings")
    with db.transaction() as tx:
        outcomes = [one.outcome for one in proposals.listed(tx, decided=True, limit=9)]
    assert [None, "rejected"] == outcomes


def test_a_proposal_that_nobody_decides_lapses(
    stories: Stories, db: Database, owner_db: Database
) -> None:
    """It cannot be approved days later, and does not stand in the way of a new one."""
    reference = stories.recovery()
    number = propose(stories, reference, Action.GIVE_UP)
    with owner_db.transaction() as tx:
        tx.exec_driver_sql(GUARDS_OFF)
        tx.execute(sa.text("UPDATE case_proposal SET expires_at = now()"))
    with pytest.raises(Void, match="Make a new one"):
        approve(stories, number)
    again = propose(stories, reference, Action.GIVE_UP)
    approve(stories, again)
    assert "written_off" == stories.state(reference)


def test_what_waits_to_be_weighed_comes_first(stories: Stories, db: Database) -> None:
    """A callback that is filed and not worked may say the opposite."""
    reference = frozen(stories)
    stories.told(reference, "status", "success", receipt=RECEIPT, amount_cents=AMOUNT_CENTS)
    stories.write(
        "INSERT INTO inbox (kind, payout_id, sha256, body, source)"
        " SELECT 'b2c_result', id, 'x', '{}', 'tests' FROM payout WHERE reference = :reference",
        reference,
    )
    with pytest.raises(BeingWorked):
        propose(stories, reference, Action.SETTLE, receipt=RECEIPT)


@pytest.mark.parametrize("source", ["person", "status"])
def test_the_database_takes_no_ruling_without_two_people(
    stories: Stories, db: Database, source: str
) -> None:
    """Neither a person's word alone, nor another's under a proposal that nobody agreed to."""
    reference = stories.recovery()
    number = propose(stories, reference, Action.GIVE_UP)
    with pytest.raises(sa.exc.DBAPIError) as refused, db.transaction() as tx:
        tx.execute(
            sa.text(
                "INSERT INTO evidence (payout_id, source, class, proposal_id) SELECT id, :source,"
                " 'given_up', :number FROM payout WHERE reference = :reference"
            ),
            {
                "source": source,
                "reference": reference,
                "number": None if source == "person" else number,
            },
        )
    assert "evidence_of_people" == constraint_of(refused.value)


def test_the_database_keeps_maker_and_checker_apart(stories: Stories, db: Database) -> None:
    """Whatever code wrote it; and a decision is made once."""
    number = propose(stories, stories.recovery(), Action.GIVE_UP)
    decide = sa.text(
        "UPDATE case_proposal SET outcome = 'executed', decided_at = now(), checker_id = maker_id"
    )
    with pytest.raises(sa.exc.DBAPIError) as refused, db.transaction() as tx:
        tx.execute(decide)
    assert "case_proposal_two_people" == constraint_of(refused.value)
    with db.transaction() as tx:
        proposals.reject(tx, number, reason="no", by=stories.someone(1))
    with pytest.raises(sa.exc.DBAPIError) as refused, db.transaction() as tx:
        tx.execute(sa.text("UPDATE case_proposal SET outcome = 'void'"))
    assert "case_proposal_decided_once" == constraint_of(refused.value)


# -- what each action needs, and what comes of it ------------------------------------------------


def test_settle_needs_m_pesas_own_word_with_that_receipt(stories: Stories, db: Database) -> None:
    """A receipt that somebody read to us on the telephone is none; a statement's line is."""
    reference = stories.in_doubt()
    for receipt in ("nonsense", "skl61mq8wl", ""):
        with pytest.raises(ProofMissing, match="ten capital letters"):
            propose(stories, reference, Action.SETTLE, receipt=receipt)
    with pytest.raises(ProofMissing, match="Nothing of M-PESA's shows"):
        propose(stories, reference, Action.SETTLE, receipt=RECEIPT)
    statement(stories, hours=(-30, 1), cents=AMOUNT_CENTS)
    approve(stories, propose(stories, reference, Action.SETTLE, receipt=RECEIPT))
    assert "paid" == stories.state(reference)
    assert ["sent"] == texts(db, reference)
    other = stories.in_doubt()
    with pytest.raises(ProofMissing, match=f"belongs to {reference}"):
        propose(stories, other, Action.SETTLE, receipt=RECEIPT)
    all_is_right(db)


def test_settle_refuses_another_amount(stories: Stories) -> None:
    """The statement shows less than the member asked for."""
    reference = stories.in_doubt()
    statement(stories, hours=(-30, 1), cents=AMOUNT_CENTS - 100)
    with pytest.raises(ProofMissing, match="with this amount"):
        propose(stories, reference, Action.SETTLE, receipt=RECEIPT)


def test_settle_ends_a_contradiction(stories: Stories, db: Database) -> None:
    """Told both paid and refused; two people see it on the statement."""
    reference = stories.submitted()
    stories.told(reference, "status", "definite_no", code="Declined")
    contradicted = frozen(stories)
    statement(stories, hours=(-30, 1), cents=AMOUNT_CENTS)
    approve(stories, propose(stories, contradicted, Action.SETTLE, receipt=RECEIPT))
    assert "paid" == stories.state(contradicted)
    with db.transaction() as tx:
        told = story.tell(tx, contradicted)
    assert told is not None
    assert not told.frozen
    all_is_right(db)


def test_release_needs_a_day_a_statement_and_a_fresh_answer(
    stories: Stories, db: Database, owner_db: Database
) -> None:
    """Each missing proof is named with its cure; with all of them the total goes back."""
    reference = stories.in_doubt()

    def missing(words: str) -> None:
        with pytest.raises(ProofMissing, match=words):
            propose(stories, reference, Action.RELEASE)

    missing("less than 1 day")
    yesterday(owner_db, reference)
    missing("no fresh answer")
    stories.told(reference, "status", "not_known_now", code="2032")
    missing("No statement shows")
    statement(stories, hours=(-31, -20))
    missing("No statement shows")
    statement(stories, hours=(-21, 0), cents=AMOUNT_CENTS)
    missing(f"{RECEIPT} on the statement has its amount")
    with owner_db.transaction() as tx:
        tx.exec_driver_sql(GUARDS_OFF)
        tx.execute(sa.text("UPDATE statement_line SET withdrawn_cents = 700"))
    stories.told(reference, "status", "open")
    missing("paid or at work")
    stories.told(reference, "status", "not_known_now", code="2032")
    approve(stories, propose(stories, reference, Action.RELEASE))
    assert "reversed" == stories.state(reference)
    assert SAVINGS_CENTS == savings(db, reference)
    assert ["failed"] == texts(db, reference)[-1:]
    all_is_right(db)


def test_release_is_refused_when_the_statement_shows_the_payment(
    stories: Stories, owner_db: Database
) -> None:
    """Frozen by a contradiction, and the statement says paid: it can only be settled."""
    reference = frozen(stories)
    stories.told(reference, "statement", "success", receipt=RECEIPT, amount_cents=AMOUNT_CENTS)
    yesterday(owner_db, reference)
    stories.told(reference, "status", "not_known_now")
    with pytest.raises(ProofMissing, match="Settle it"):
        propose(stories, reference, Action.RELEASE)


def test_a_success_after_a_release_is_booked_as_recovery(
    stories: Stories, db: Database, owner_db: Database
) -> None:
    """People can be wrong too. The member's savings are held, and she owes the amount."""
    reference = stories.in_doubt()
    yesterday(owner_db, reference)
    stories.told(reference, "status", "not_known_now")
    statement(stories, hours=(-31, 0))
    approve(stories, propose(stories, reference, Action.RELEASE))
    stories.pay(reference)
    assert "recovery" == stories.state(reference)
    assert SAVINGS_CENTS - AMOUNT_CENTS == savings(db, reference)
    all_is_right(db)


@pytest.mark.parametrize("state", ["requested", "reserved"])
def test_release_of_what_was_never_sent_needs_no_statement(
    stories: Stories, db: Database, state: str
) -> None:
    """No call was ever committed, so M-PESA cannot have it; also when somebody says otherwise."""
    reference = stories.requested() if state == "requested" else stories.reserved()
    stories.told(reference, "callback", "success", receipt=RECEIPT, amount_cents=AMOUNT_CENTS)
    assert {reference: "contradiction"} == open_cases(db)
    approve(stories, propose(stories, reference, Action.RELEASE))
    assert "cancelled" == stories.state(reference)
    assert SAVINGS_CENTS == savings(db, reference)
    assert {} == open_cases(db)
    all_is_right(db)


def test_uphold_ends_a_contradiction_about_what_is_booked(stories: Stories, db: Database) -> None:
    """Refused after it was paid: it was paid. No money moves; what contradicts later counts."""
    reference = stories.paid()
    stories.told(reference, "callback", "definite_no", code="2001")
    assert {reference: "contradiction"} == open_cases(db)
    effect = approve(stories, propose(stories, reference, Action.UPHOLD))
    assert ("paid", "paid", (), ()) == (
        effect.state_before, effect.state, effect.entries, effect.sms
    )  # fmt: skip
    assert {} == open_cases(db)
    stories.told(reference, "status", "definite_no", code="Declined")
    assert {reference: "contradiction"} == open_cases(db)
    all_is_right(db)


def test_take_back_needs_the_statement(stories: Stories, db: Database) -> None:
    """That the member says so is no proof; what the statement shows is a case by itself."""
    reference = stories.paid()
    with pytest.raises(ProofMissing, match="No statement"):
        propose(stories, reference, Action.TAKE_BACK)
    stories.told(reference, "statement", "taken_back")
    assert ("paid", {reference: "taken_back"}) == (stories.state(reference), open_cases(db))
    approve(stories, propose(stories, reference, Action.UPHOLD))
    assert {} == open_cases(db)


def test_recovery_holds_the_amount_and_people_end_it(stories: Stories, db: Database) -> None:
    """Held at once; taken only when two people say so; she reads what was done."""
    paid_back, given_up = stories.recovery(), stories.recovery()
    assert SAVINGS_CENTS - AMOUNT_CENTS == savings(db, paid_back)
    stories.ruled(paid_back, Action.MAKE_GOOD, paid_by="savings")
    assert ("recovered", SAVINGS_CENTS - AMOUNT_CENTS) == (
        stories.state(paid_back), savings(db, paid_back)
    )  # fmt: skip
    stories.ruled(given_up, Action.GIVE_UP)
    assert ("written_off", SAVINGS_CENTS) == (stories.state(given_up), savings(db, given_up))
    assert [["failed", "recovered"], ["failed", "written_off"]] == [
        texts(db, paid_back), texts(db, given_up)
    ]  # fmt: skip
    all_is_right(db)


def test_what_m_pesa_took_back_makes_a_recovery_good(stories: Stories, db: Database) -> None:
    """The float has it again and her savings are let go, once the statement shows it."""
    reference = stories.recovery()
    with pytest.raises(ProofMissing, match="No statement"):
        propose(stories, reference, Action.MAKE_GOOD, paid_by="mpesa")
    stories.told(reference, "statement", "taken_back")
    stories.ruled(reference, Action.MAKE_GOOD, paid_by="mpesa")
    assert ("recovered", SAVINGS_CENTS) == (stories.state(reference), savings(db, reference))
    all_is_right(db)


def test_savings_that_do_not_cover_a_recovery_are_not_taken(stories: Stories, db: Database) -> None:
    """She had spent most of it: the proposal is refused, and nothing of it is kept."""
    reference = stories.reversed()
    stories.write(
        "SELECT ledger.place_lien(account_id, 4990000, 'guarantee') FROM payout"
        " WHERE reference = :reference",
        reference,
    )
    stories.pay(reference)
    assert savings(db, reference) == 0
    with pytest.raises(InsufficientFunds):
        propose(stories, reference, Action.MAKE_GOOD, paid_by="savings")
    with db.transaction() as tx:
        assert [] == proposals.listed(tx, decided=True, limit=9)


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("state", ["declined", "cancelled", "reversed"])
def test_what_has_ended_is_not_decided_again(stories: Stories, action: Action, state: str) -> None:
    """Nothing contradicts it."""
    reference = {
        "declined": stories.declined, "cancelled": stories.cancelled, "reversed": stories.reversed
    }[state]()  # fmt: skip
    given = {"receipt": RECEIPT} if action is Action.SETTLE else {}
    with pytest.raises(NotNow):
        propose(stories, reference, action, **given)


def test_patience_outlasts_every_lease_and_every_resend() -> None:
    """What is released a day after its last call cannot be on the wire any more."""
    longest = SCHEDULE.resend_after_s[-1] + SCHEDULE.lease_s
    assert proofs.PATIENCE > timedelta(seconds=100 * longest)


def test_what_is_said_after_a_ruling_is_weighed_against_it(
    stories: Stories, owner_db: Database
) -> None:
    """Even when both are folded in one go: two people say paid, M-PESA says paid again."""
    reference = frozen(stories)
    facts = {"reference": reference, "ruled": RECEIPT, "said": "SKL61MQ8XX", "cents": AMOUNT_CENTS}
    with owner_db.transaction() as tx:
        tx.execute(sa.text(GUARDS_OFF))
        tx.execute(
            sa.text(
                "INSERT INTO evidence (payout_id, source, class, receipt, amount_cents,"
                " conversation_id) SELECT id, told.source, 'success', told.receipt, :cents,"
                " p.conversation_id FROM payout p, (VALUES (1, 'person', :ruled),"
                " (2, 'callback', :said)) told (n, source, receipt)"
                " WHERE reference = :reference ORDER BY n"
            ),
            facts,
        )
    stories.resolve()
    assert "paid" == stories.state(reference)
    stories.resolve()
    with stories.db.transaction() as tx:
        why = "SELECT failure FROM payout WHERE reference = :reference AND frozen"
        told = tx.scalar(sa.text(why), facts)
    assert "paid a second time under another receipt" == told
