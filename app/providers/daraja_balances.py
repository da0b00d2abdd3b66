"""Reading what Daraja answers to a balance query. Pure; nothing raises, whatever the JSON.

The accounts come as one text: `Utility Account|KES|482310.50|482310.50|0.00|0.00&...`. Only name,
currency and the first amount, what is available, are read: of the others the documentation says
one thing and the portal another.
"""

from dataclasses import dataclass
from datetime import datetime

from app.providers.daraja_envelopes import Parameters, Unreadable, envelope_of, is_final
from app.providers.daraja_values import moment, to_cents
from app.providers.loose_json import key_form, pick, text_of
from app.providers.result_codes import ResultCode, Verdict, lookup

UTILITY_ACCOUNT = "Utility Account"
CURRENCY = "KES"
ACCOUNTS_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceResult:
    """A balance query's result."""

    code: ResultCode
    """The query's own: it says nothing of any payout."""
    conversation_id: str | None
    utility_cents: int | None
    """What is available for payouts; None: it did not say, or the query failed."""
    completed_at: datetime | None
    description: str


def parse_balance_result(body: object) -> BalanceResult | Unreadable:
    """A balance query's result callback, from its decoded JSON."""
    envelope = envelope_of(body)
    if envelope is None:
        return Unreadable("no result with a code in it")
    told = Parameters(envelope)
    code = lookup(pick(envelope, "ResultCode"))
    # A failed query may carry parameters all the same; they are believed in nothing.
    worked = code.verdict is Verdict.SUCCESS and is_final(envelope)
    return BalanceResult(
        code=code,
        conversation_id=text_of(pick(envelope, "ConversationID")),
        utility_cents=_available(told.text("AccountBalance") or "") if worked else None,
        completed_at=moment(told.only("BOCompletedTime")),
        description=text_of(pick(envelope, "ResultDesc")) or "",
    )


def _available(accounts: str) -> int | None:
    """What the utility account has, in cents. None if it is missing or named twice."""
    found = []
    for account in accounts.split("&")[:ACCOUNTS_MAX]:
        name, currency, available, *_ = (*account.split("|"), "", "")
        if key_form(name) == key_form(UTILITY_ACCOUNT) and currency.strip() == CURRENCY:
            found.append(to_cents(available))
    return found[0] if len(found) == 1 else None
