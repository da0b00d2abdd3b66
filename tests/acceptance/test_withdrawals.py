"""A member's withdrawals through the real doors, with every process real."""

import sqlalchemy as sa

from app.db import Database
from app.operations import invariants
from tests.support.stack import Stack, wait_for

AMINA = "+254712345678"
SECOND = "+254722345679"


def state(db: Database, reference: str) -> str:
    with db.transaction() as tx:
        return str(
            tx.scalar(sa.text("SELECT state FROM payout WHERE reference = :r"), {"r": reference})
        )


def reaches(db: Database, reference: str, wanted: str, *, seconds: float = 20) -> None:
    wait_for(f"{reference} {wanted}", lambda: state(db, reference) == wanted, seconds=seconds)


def sms(baraza: Stack, phone: str, reference: str) -> str:
    """The newest SMS about a payout, once one is there."""

    def look() -> list[str]:
        return [m.text for m in baraza.phone(phone).inbox() if reference in m.text]

    return wait_for(f"an SMS about {reference}", look)[-1]


def test_a_withdrawal_is_paid_and_the_receipt_says_so(baraza: Stack, db: Database) -> None:
    """Dial, amount, PIN; M-PESA pays; the SMS carries M-PESA's own code; the books agree."""
    reference = baraza.withdraw(AMINA, 1500)
    reaches(db, reference, "paid")
    text = sms(baraza, AMINA, reference)
    assert "KES 1,500.00 sent to M-PESA 0712***678" in text
    paid = baraza.paid()
    assert paid["total_cents"] == 150_000
    with db.transaction() as tx:
        receipt = tx.scalar(sa.text("SELECT receipt FROM payout"))
        assert receipt is not None
        assert receipt in text
        assert [f.name for f in invariants.run(tx) if not f.ok] == []


def test_a_refusal_gives_the_whole_total_back_and_says_why(baraza: Stack, db: Database) -> None:
    """...02 is refused by M-PESA: the fee comes back too, told in the member's language."""
    reference = baraza.withdraw(SECOND, 1502, pin="5193")
    reaches(db, reference, "reversed")
    text = sms(baraza, SECOND, reference)
    assert "imeshindikana: namba hii haipokei M-PESA" in text
    assert baraza.paid()["total_cents"] == 0
    with db.transaction() as tx:
        kinds = tx.scalars(
            sa.text("SELECT kind FROM ledger.journal_entry WHERE reference = :r ORDER BY id"),
            {"r": reference},
        ).all()
        assert sorted(kinds) == ["compensate", "reserve"]


def test_silence_is_asked_about_until_m_pesa_tells(baraza: Stack, db: Database) -> None:
    """...03 is paid but its callback is lost: never reversed, settled by the status query."""
    reference = baraza.withdraw(AMINA, 1503)
    reaches(db, reference, "paid", seconds=30)
    with db.transaction() as tx:
        source = tx.scalar(
            sa.text(
                "SELECT e.source FROM payout p JOIN evidence e ON e.id = p.evidence_id"
                " WHERE p.reference = :r"
            ),
            {"r": reference},
        )
    assert source == "status"
    assert "sent to M-PESA" in sms(baraza, AMINA, reference)


def test_savings_that_do_not_cover_the_total_are_left_alone(baraza: Stack, db: Database) -> None:
    """More than her savings: told on the screen after the PIN, nothing is deducted."""
    last = baraza.phone(AMINA).dial().reply("1", "60000", "4071").body
    assert last.startswith("END")
    assert "BRZ" not in last
    with db.transaction() as tx:
        assert tx.scalar(sa.text("SELECT count(*) FROM payout")) == 0
