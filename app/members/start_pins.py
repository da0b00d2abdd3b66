"""Which start PINs are out: read at the moment of sending, and stored nowhere."""

from collections.abc import Mapping

import sqlalchemy as sa

from app.db import Tx
from app.members.pins import Pins

_OUT = sa.text(
    "SELECT m.id, m.start_pin_nonce FROM member m"
    " JOIN unnest(CAST(:ids AS bigint[]), CAST(:numbers AS text[])) asked (id, msisdn)"
    " ON m.id = asked.id AND m.msisdn = asked.msisdn"
    " WHERE m.start_pin_until > clock_timestamp()"
)


def out(pins: Pins, tx: Tx, numbers: Mapping[int, str]) -> dict[int, str]:
    """The start PINs of these members, each given with the number that would be told.

    Left out is whoever has no start PIN any more, because it was used, ran out, was voided or taken
    back, and whoever has another number by now: a start PIN goes to the number on file only.
    """
    asked = {"ids": list(numbers), "numbers": list(numbers.values())}
    return {row.id: pins.start_pin(row.id, row.start_pin_nonce) for row in tx.execute(_OUT, asked)}
