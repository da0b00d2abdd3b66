"""A member's story on the real door: what she does, what others do meanwhile, and what she sees.

What is told is written down as a dialogue that a person can read. PINs are dots, and whatever
differs from run to run (references, dates, receipts) is starred.
"""

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from app import audit
from app.commands.handset import Handset, Screen
from app.members import directory, standing
from app.members.directory import Language
from app.members.standing import Notice
from app.operations.member_acts import tell
from app.payouts import switch
from tests.support import databases, prices
from tests.support.ledger import member_account
from tests.support.stories import Stories
from tests.support.ussd_site import Site
from ussd_menus.gsm7 import septets
from ussd_menus.rendering import SEPTETS_MAX

PIN = "4071"
ID_DIGITS = "3344"
_NUMBERS = (f"+254712{middle:03d}678" for middle in itertools.count())
"""A number for each member; where they are masked all look the same."""
_VARYING = (
    (re.compile(r"\bBRZ[2-9A-HJKMNP-Z]{7}\b"), "BRZ*******"),
    (re.compile(r"\bSKL[0-9A-Z]{7}\b"), "SKL*******"),
    (re.compile(r"\b\d{1,2}/\d{1,2}/\d{2} \d{1,2}:\d{2} [AP]M\b"), "**/**/** **:** *M"),
    (re.compile(r"\b\d{1,2}:\d{2} [AP]M\b"), "**:** *M"),
    (re.compile(r"\b\d\d/\d\d (?=[+-])"), "**/** "),
)
_OPTION = re.compile(r"^(\d+) ", re.MULTILINE)


def normalised(text: str) -> str:
    """The text with whatever differs from run to run as stars."""
    for varying, stars in _VARYING:
        text = varying.sub(stars, text)
    return text


@dataclass(frozen=True)
class Seen:
    """One screen without its words: what must be the same in every language."""

    screen: str
    is_open: bool
    options: tuple[str, ...]
    outcome: str


@dataclass
class Story:
    """One member, one phone, one language."""

    site: Site
    stories: Stories
    language: Language
    number: str = field(default_factory=lambda: next(_NUMBERS))
    """The member's phone number."""
    member_id: int = 0
    lines: list[str] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    texted: list[str] = field(default_factory=list)
    """The kinds of the SMS that came, in order."""
    _phone: Handset | None = None

    @property
    def phone(self) -> Handset:
        """The member's phone."""
        self._phone = self._phone or self.site.phone(self.number)
        return self._phone

    # What the member does.

    def dial(self, keys: str = "") -> None:
        """Dial, with keys in the dialled string or without."""
        code = self.phone.code
        shown = f"{code.removesuffix('#')}*{keys}#" if keys else code
        self.lines += ["", f"Dials {shown}", ""]
        self.phone.deep_dial(keys) if keys else self.phone.dial()
        self._show(self.phone.shown)

    def reply(self, *texts: str) -> None:
        """Reply to the open screen, and to those that follow."""
        for text in texts:
            assert self.phone.shown.is_open, "the story goes on after its last screen"
            self.lines += ["", f"> {self.phone.shown.readable(text)}", ""]
            self._show(self.phone.reply(text).shown)
        self.read_sms()

    def drop(self) -> None:
        """Lose the signal."""
        self.phone.drop()
        self.lines += ["", "(The signal is lost.)"]

    def withdraw(self, shillings: int = 500) -> None:
        """A whole withdrawal, from the dial to the last screen."""
        self.dial()
        self.reply("1", str(shillings), PIN)

    def read_sms(self) -> None:
        """Write down the SMS that have come since the last look."""
        query = sa.text(
            "SELECT kind, body FROM message WHERE member_id = :id ORDER BY queued_at, kind"
        )
        with self.site.db.transaction() as tx:
            rows = tx.execute(query, {"id": self.member_id}).all()
        for row in rows[len(self.texted) :]:
            self.texted.append(row.kind)
            self.lines += ["", f"SMS ({septets(row.body)}/{SEPTETS_MAX}): {row.body}"]

    # What others do, and the SACCO.

    def stop(self) -> None:
        """The SACCO stops withdrawals."""
        with self.site.db.transaction() as tx:
            switch.stop(tx, reason="a test", by=audit.operator())

    def calm(self) -> None:
        """Nothing is stopped, and the limits are those of every other story."""
        self.limits()
        with self.site.db.transaction() as tx:
            if switch.stopped(tx) is not None:
                switch.resume(tx, reason="a test", by=audit.operator())

    def meanwhile(self, what: str, *acts: Callable[[], object]) -> None:
        """Something happens that she does not see; then her SMS come."""
        self.lines += ["", f"-- {what}"]
        for act in acts:
            act()
        self.read_sms()

    def called(self) -> None:
        """Her newest withdrawal is debited, and its first call is committed."""
        self.stories.debit()
        self.stories.call(self.reference())

    def taken(self) -> None:
        """M-PESA takes the call, and says no more for now."""
        self.called()
        self.stories.acknowledge(self.reference())

    def doubt(self) -> None:
        """The call is made and nobody answers."""
        self.called()
        self.stories.told(self.reference(), "ack", "doubt")

    def pays(self) -> None:
        """M-PESA says that it paid."""
        reference = self.reference()
        self.stories.told(
            reference,
            "callback",
            "success",
            code="0",
            receipt=f"SKL{reference[3:]}",
            amount_cents=self.of_payout("amount_cents"),
            conversation_id=f"AG_{reference}",
        )

    def refuses(self, code: str) -> None:
        """M-PESA says that it did not pay, and a status query confirms it."""
        reference = self.reference()
        self.stories.told(
            reference, "callback", "definite_no", code=code, conversation_id=f"AG_{reference}"
        )
        self.stories.told(reference, "status", "definite_no")

    def reference(self) -> str:
        """The member's newest withdrawal."""
        return str(self.of_payout("reference"))

    def of_payout(self, column: str) -> object:
        """One column of the member's newest withdrawal."""
        return self.site.scalar(
            f"SELECT {column} FROM payout WHERE member_id = :id"  # noqa: S608 - named in tests
            " ORDER BY requested_at DESC LIMIT 1",
            id=self.member_id,
        )

    def limits(self, **columns: object) -> None:
        """The SACCO sets other limits."""
        with self.site.db.transaction() as tx, databases.owner_of(tx) as owner:
            prices.limits(owner, **columns)  # type: ignore[arg-type]

    def sql(self, statement: str, **values: object) -> None:
        """Change something about the member that this story does not tell of: `:id` is hers."""
        with self.site.db.transaction() as tx, databases.owner_of(tx) as owner:
            owner.execute(sa.text(statement), {"id": self.member_id, **values})

    def open_account(self, name: str, cents: int) -> int:
        """She opens one more account, with money on it unless that is 0. Returns its number."""
        with self.site.db.transaction() as tx:
            account = member_account(tx, cents=cents)
            tx.execute(
                sa.text(
                    "INSERT INTO member_account (account_id, member_id, name)"
                    " VALUES (:account, :id, :name)"
                ),
                {"account": account, "id": self.member_id, "name": name},
            )
        return account

    def empty_account(self) -> None:
        """Her one account that can be withdrawn from is new and empty."""
        self.sql("UPDATE member_account SET withdrawable = false WHERE member_id = :id")
        self.open_account("Savings", 0)

    def lien(self) -> None:
        """A court holds back all of her savings."""
        self.sql(
            "SELECT ledger.place_lien(account_id, 50_000_00, 'court order')"
            " FROM member_account WHERE member_id = :id"
        )

    def staff(self, act: Callable[..., Sequence[Notice]], *what: object, **how: object) -> None:
        """Staff do something about her, and she is told by SMS as their command does it."""
        with self.site.db.transaction() as tx:
            at = tx.scalar(sa.select(sa.func.now()))
            assert at is not None
            by_id = "SELECT member_no FROM member WHERE id = :id"
            number = tx.scalar(sa.text(by_id), {"id": self.member_id})
            member = directory.by_number(tx, str(number))
            assert member is not None
            for notice in act(
                tx, self.member_id, *what, reason="a test", by=audit.operator(), **how
            ):
                tell(tx, member, notice, at=at)

    def start_pin(self, id_digits: str = ID_DIGITS) -> str:
        """Her ID is put on file and a start PIN is issued. Returns it: the SMS row hides it."""
        pins = self.site.doors.pins
        self.staff(standing.set_id, pins.id_check(self.member_id, id_digits))
        self.staff(standing.reset_pin, valid_h=72)
        nonce = self.site.scalar(
            "SELECT start_pin_nonce FROM member WHERE id = :id", id=self.member_id
        )
        assert isinstance(nonce, bytes)
        return pins.start_pin(self.member_id, nonce)

    def change_number(self) -> None:
        """Staff give her another number, and she puts its SIM card in."""
        self.number = next(_NUMBERS)
        self._phone = None
        self.staff(standing.change_number, self.number)

    def take_over(self, phone: Handset) -> None:
        """She goes on with this phone's session, which still shows its last screen."""
        self._phone = phone
        self._show(phone.shown)

    def lose_number(self) -> None:
        """Her number is no longer on file."""
        self.sql("UPDATE member SET msisdn = '+254799' || to_char(:id, 'FM000000') WHERE id = :id")

    def written(self, title: str) -> str:
        """The story as its file has it."""
        return normalised("\n".join([title, *self.lines])) + "\n"

    def _show(self, screen: Screen) -> None:
        kind = "CON" if screen.is_open else "END"
        outcome = self._outcome()
        note = f"    [{kind} {screen.id} {septets(screen.text)}/{SEPTETS_MAX}{outcome}]"
        self.lines += [*(f"    {line}" for line in screen.text.split("\n")), note]
        options = tuple(_OPTION.findall(normalised(screen.text)))
        self.seen.append(Seen(screen.id, screen.is_open, options, outcome))

    def _outcome(self) -> str:
        """What came of the effect that the last key set off, if it set one off."""
        found = self.site.column(
            "SELECT outcome FROM ussd_hop WHERE session_id = :session AND position = :position",
            session=self.phone.session_id,
            position=len(self.phone.turns) - 1,
        )
        return f" {found[0]}" if found and found[0] else ""
