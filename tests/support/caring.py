"""What M-PESA answers about one payout, filed as its door files it, and where care stands."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app import ids
from app.payouts import inbox
from app.payouts.inbox import Kind
from app.providers import breaker
from app.providers.breaker import Breaker
from tests.support.stories import AMOUNT_CENTS, Stories
from tests.support.working import Working

CONVERSATION = "AG_1"
"""As the scripted M-PESA acknowledges."""


def result(site: Working, reference: str, code: str, **parameters: object) -> None:
    """A payout's own result comes, and is worked."""
    payout = _id(site.stories, reference)
    _file(
        site,
        Kind.B2C_RESULT,
        payout,
        None,
        {
            "ResultType": 0,
            "ResultCode": code,
            "ResultDesc": "as the test says",
            "OriginatorConversationID": ids.originator_conversation_id(payout),
            "ConversationID": CONVERSATION,
            "TransactionID": f"S{reference[1:]}",
            "ResultParameters": _parameters(parameters),
        },
    )


def paid(site: Working, reference: str, **parameters: object) -> None:
    """The result that settles it."""
    result(
        site,
        reference,
        "0",
        TransactionReceipt=f"S{reference[1:]}",
        TransactionAmount=AMOUNT_CENTS // 100,
        **parameters,
    )


def status(site: Working, reference: str, code: str, **parameters: object) -> None:
    """The answer to the last status query about a payout comes, and is worked."""
    payout = _id(site.stories, reference)
    with site.stories.db.transaction() as tx:
        query = tx.scalar(
            sa.text("SELECT id FROM status_query WHERE payout_id = :id ORDER BY id DESC LIMIT 1"),
            {"id": payout},
        )
    body = {"ResultType": 0, "ResultCode": code, "ResultParameters": _parameters(parameters)}
    _file(site, Kind.STATUS_RESULT, payout, query, body)


def care(site: Working) -> Breaker:
    """The breaker as it stands."""
    with site.stories.db.transaction() as tx:
        return breaker.current(tx)


def _parameters(of: dict[str, object]) -> dict[str, Any]:
    return {"ResultParameter": [{"Key": key, "Value": value} for key, value in of.items()]}


def _file(site: Working, kind: Kind, payout: UUID, query: UUID | None, told: object) -> None:
    with site.stories.db.transaction() as tx:
        inbox.file(
            tx, kind=kind, payout_id=payout, query_id=query, body={"Result": told}, source="test"
        )
    site.context.resolve.run()


def _id(stories: Stories, reference: str) -> UUID:
    with stories.db.transaction() as tx:
        found = tx.scalar(
            sa.text("SELECT id FROM payout WHERE reference = :reference"), {"reference": reference}
        )
    assert isinstance(found, UUID)
    return found
