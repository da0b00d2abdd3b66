"""How things stand: the first page of the day."""

from flask.typing import ResponseReturnValue

from app.operations import numbers
from app.operations.context import context
from app.providers import breaker, float_readings, pauses
from app.staff import audit
from app.staff.console.routes import me, page, reading, shown
from app.staff.permissions import Permission

ACTIONS_SHOWN = 5
LIVE_S = 10


@page("/", Permission.SEE_OWN)
def today() -> ResponseReturnValue:
    """The numbers that tell whether all is well, each leading to what it counts."""
    with reading() as tx:
        found = numbers.read(tx)
        left = float_readings.newest(tx)
        stuck, held = breaker.current(tx), pauses.in_force(tx)
        recent = audit.recent(tx, me().id, limit=ACTIONS_SHOWN)
    return shown(
        "today.html",
        numbers=found,
        left=left,
        stuck=stuck,
        held=held,
        recent=recent,
        live_s=LIVE_S,
        settings=context().settings,
    )
