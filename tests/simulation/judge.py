"""What must hold, at every moment and at the end, by Baraza's rules and by M-PESA's own record."""

from collections.abc import Iterator

import sqlalchemy as sa

from app.operations import invariants
from tests.simulation.world import World

_CONSERVED = " UNION ALL ".join(
    f"({rule.query})"
    for rule in invariants.invariants()
    if rule.name.startswith(("all accounts together", "money in transit"))
).replace("%", "%%")
_PAYOUTS = sa.text(
    "SELECT p.id::text AS ocid, p.reference, p.state, p.frozen, p.amount_cents, p.msisdn,"
    " p.failures, ARRAY(SELECT kind FROM message m WHERE m.payout_id = p.id) AS told"
    " FROM payout p ORDER BY p.id"
)
_BACK = {"reversed", "cancelled", "declined"}
_ENDED = _BACK | {"paid"}


def at_any_moment(world: World) -> Iterator[str]:
    """Money is conserved, and nothing that M-PESA paid has gone back or went out twice."""
    with world.look.transaction() as tx:
        yield from (str(row[0]) for row in tx.exec_driver_sql(_CONSERVED))
        payouts = tx.execute(_PAYOUTS).all()
    known = {p.ocid for p in payouts}
    for request in world.mpesa.requests.values():
        if request.ocid not in known:
            yield f"M-PESA has a request for {request.phone} that we never wrote down"
        if request.times_paid > 1:
            yield f"{request.phone} was paid {request.times_paid} times for one withdrawal"
    for payout in payouts:
        yield from _against_mpesa(world, payout)


def _against_mpesa(world: World, payout: sa.Row[tuple[object, ...]]) -> Iterator[str]:
    request = world.mpesa.requests.get(payout.ocid)
    has_paid = request is not None and request.state == "paid"
    who = f"{payout.msisdn[1:]} ({payout.reference})"
    if payout.state == "recovery":
        yield f"{who} was given back before M-PESA paid it"
    if payout.state in _BACK and request is not None and request.state in {"paid", "queued"}:
        yield f"{who} is {payout.state}, and M-PESA has it as {request.state}"
    if payout.state == "paid" and not has_paid:
        yield f"{who} is paid, and M-PESA never paid it"
    if "sent" in payout.told and not has_paid:
        yield f"{who} read that it was sent, and M-PESA never paid it"
    if "failed" in payout.told and has_paid:
        yield f"{who} read that it failed, and M-PESA paid it"
    if request is not None and (request.cents, request.phone) != (
        payout.amount_cents,
        payout.msisdn.removeprefix("+"),
    ):
        yield f"{who} went to M-PESA as another amount or number"
    if payout.failures:
        yield f"{who} made a step raise"


def at_the_end(world: World) -> Iterator[str]:
    """Every rule of the audit holds, and everything has ended that can end without a person."""
    with world.owner.transaction() as tx:
        for finding in invariants.run(tx):
            if not finding.ok:
                yield f"{finding.name}: {finding.detail}"
        payouts = tx.execute(_PAYOUTS).all()
    for payout in payouts:
        request = world.mpesa.requests.get(payout.ocid)
        # Nothing can be found of it at M-PESA, which proves nothing: a person decides.
        only_a_person = payout.state == "in_doubt" and (
            request is None or request.state == "turned down"
        )
        if payout.state not in _ENDED and not payout.frozen and not only_a_person:
            standing = "unknown" if request is None else request.state
            yield f"{payout.reference} is still {payout.state}; at M-PESA it is {standing}"
