"""The last 24 hours in pictures, each with its table."""

from flask.typing import ResponseReturnValue

from app.money import CENTS_PER_SHILLING
from app.operations import figures
from app.staff.console import drawing
from app.staff.console.routes import page, reading, shown
from app.staff.permissions import Permission


@page("/pictures", Permission.SEE_PAYOUTS)
def pictures() -> ResponseReturnValue:
    """What ended how, how soon the money was there, what is in doubt, and the float."""
    with reading() as tx:
        slices = figures.slices(tx)
        doubts = figures.doubts(tx)
        floats = figures.float_readings(tx)
    return shown(
        "pictures.html",
        slices=slices,
        doubts=doubts,
        floats=floats,
        ended=drawing.stacked([(one.paid, one.given_back, one.open) for one in slices]),
        took=drawing.lines([[one.p50_s for one in slices], [one.p95_s for one in slices]]),
        aged=drawing.stacked([(one.count,) for one in doubts]),
        left=drawing.lines([[one.cents / CENTS_PER_SHILLING for one in floats]]),
    )
