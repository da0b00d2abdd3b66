"""What M-PESA's result codes mean for a payout, as data.

Safaricom publishes no complete list. A code that is not in this table is a doubt: its meaning is
never guessed, M-PESA is asked instead.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

CODE_LENGTH_MAX = 40
SUCCESS = "0"


class Verdict(StrEnum):
    """What a code proves about the payout. The values are names of evidence classes."""

    SUCCESS = "success"
    DEFINITE_NO = "definite_no"
    DOUBT = "doubt"


class MemberReason(StrEnum):
    """What the member can be told about a refusal. Keys of the texts in both languages."""

    WALLET_FULL = "wallet_full"
    NOT_REGISTERED = "not_registered"
    DAILY_LIMIT = "daily_limit"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    OUR_SIDE = "our_side"


class Source(StrEnum):
    """Where a code was seen, strongest first."""

    PORTAL_B2C = "Safaricom's page on B2C"
    PORTAL = "Safaricom's pages on other APIs of the same platform"
    OLD_PORTAL = "an older list of Safaricom's"
    RUNNING = "code of systems that run against production"
    GUIDE = "third-party guides"


@dataclass(frozen=True, slots=True)
class ResultCode:
    """One row of the table."""

    code: str
    verdict: Verdict
    meaning: str
    source: Source | None
    """None: the code is not in the table."""
    member_reason: MemberReason = MemberReason.OUR_SIDE
    refused_before_transaction: bool = False
    """M-PESA refuses by this code before it makes a transaction, so a status query will then
    truthfully say "does not exist". Limit and balance rules decline a transaction that was made.
    """
    breaker: bool = False
    """The next payout would fail the same way, or lock our API user: stop sending, page."""


def _rows() -> Iterable[ResultCode]:
    yes, no, doubt = Verdict.SUCCESS, Verdict.DEFINITE_NO, Verdict.DOUBT
    b2c, portal, old = Source.PORTAL_B2C, Source.PORTAL, Source.OLD_PORTAL
    running, guide = Source.RUNNING, Source.GUIDE

    yield ResultCode(SUCCESS, yes, "paid", b2c)

    # The float, the limits and the recipient: a transaction is made and declined.
    yield ResultCode("1", no, "our utility account has too little money", b2c, breaker=True)
    yield ResultCode("2", no, "below the minimum", b2c, MemberReason.MINIMUM)
    yield ResultCode("3", no, "above the maximum of one payment", b2c, MemberReason.MAXIMUM)
    yield ResultCode("4", no, "above the recipient's daily limit", b2c, MemberReason.DAILY_LIMIT)
    yield ResultCode("5", no, "would go below the minimum balance", old)
    yield ResultCode("8", no, "recipient's M-PESA account is full", b2c, MemberReason.WALLET_FULL)
    yield ResultCode("11", no, "our account is not active", b2c, breaker=True)
    yield ResultCode("12", no, "the recipient's account is in an invalid state", old)
    yield ResultCode("2006", no, "our account's status does not allow this", b2c, breaker=True)

    # The parties cannot be found or served: refused before there is a transaction.
    for code, meaning, source in (
        ("6", "our shortcode cannot be resolved", old),
        ("13", "our account cannot be resolved", old),
    ):
        yield ResultCode(code, no, meaning, source, refused_before_transaction=True, breaker=True)
    for code, meaning, source in (
        ("7", "the recipient cannot be resolved", old),
        ("14", "the recipient's account cannot be resolved", old),
        ("2040", "the recipient is not an M-PESA customer who can be paid", b2c),
        ("2051", "the recipient's number is invalid", running),
        ("SFC_IC0003", "the recipient does not exist", b2c),
    ):
        yield ResultCode(
            code, no, meaning, source, MemberReason.NOT_REGISTERED, refused_before_transaction=True
        )

    # Who we are and what we may do: refused before there is a transaction, and for everybody.
    for code, meaning, source in (
        ("18", "our initiator's credential check failed", portal),
        ("20", "our initiator is unknown", portal),
        ("21", "our initiator lacks the role for this", b2c),
        ("22", "our initiator is not permitted or not active", portal),
        ("2001", "our initiator's name or password is wrong; repeats lock it", b2c),
        ("2028", "our shortcode lacks the product", b2c),
        ("8006", "our initiator is locked; the administrator must unlock it", b2c),
        ("100000010", "our application lacks the permission", portal),
    ):
        yield ResultCode(code, no, meaning, source, refused_before_transaction=True, breaker=True)

    # A request that M-PESA cannot read: our fault, and this request's alone.
    for code, meaning, source in (
        ("24", "fields are missing", portal),
        ("25", "parameters are invalid", portal),
        ("29", "the command is invalid", portal),
        ("2020", "the amount is badly written", running),
        ("100000005", "the input is invalid", portal),
        ("R002", "the kind of identity document was not found", running),
        ("R003", "the identity number does not match the recipient", running),
    ):
        yield ResultCode(code, no, meaning, source, refused_before_transaction=True)

    # Nothing follows from these. 15 speaks of the first request under our id, which may have
    # been paid; 100000000 may still be executed.
    for code, meaning, source in (
        ("15", "duplicate: our id was seen before", portal),
        ("17", "internal failure", portal),
        ("19", "messages out of sequence", portal),
        ("26", "too busy", portal),
        ("1001", "the recipient is locked by another operation", guide),
        ("2007", "external validation failed", running),
        ("2029", "the reason cannot be resolved", running),
        ("2043", "the organisation is not a child of ours", running),
        ("2202", "the account number is invalid", running),
        ("100000000", "cached, waiting to be sent again", portal),
        ("100000001", "overloaded", portal),
        ("100000002", "throttled", portal),
        ("100000004", "internal error", portal),
        ("100000007", "the service's status is abnormal", portal),
        ("100000009", "the API's status is abnormal", portal),
        ("100000011", "rate exceeded", portal),
        ("00.002.1001", "under maintenance", portal),
    ):
        yield ResultCode(code, doubt, meaning, source)


TABLE: dict[str, ResultCode] = {row.code: row for row in _rows()}

NOT_KNOWN_NOW = frozenset({"2032", "2033"})
"""Codes of a status query by which M-PESA says that it does not know the request at present."""


def normalised(code: object) -> str:
    """A code as text. M-PESA sends integers, numeric text and text; zeros of any length are 0."""
    if isinstance(code, bool) or not isinstance(code, str | int):
        return ""
    try:
        text = str(code).strip()
    except ValueError:  # an integer of thousands of digits
        return ""
    return SUCCESS if set(text) == {"0"} else text[:CODE_LENGTH_MAX]


def lookup(code: object) -> ResultCode:
    """The row of a code, in whatever form it came. What is not in the table is a doubt."""
    text = normalised(code)
    known = TABLE.get(text)
    if known is not None:
        return known
    return ResultCode(text, Verdict.DOUBT, "not in our table", None)
