"""The page at which an invited colleague sets a password."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from app.errors import Refused
from app.observability import logger
from app.operations.context import context
from app.staff import joining, pages, sessions
from app.staff.joining import NotInvited, WrongJoiningCode
from app.staff.passwords import WeakPassword

WRONG_CODE = "The code is not right. Ask the manager who agreed to your account."

bp = Blueprint("joining", __name__, url_prefix="/staff/join")
pages.guard(bp)


@bp.get("/<link>")
def join(link: str) -> ResponseReturnValue:
    """The form for the code and a password."""
    return _form(link, refused=None)


@bp.post("/<link>")
def set_password(link: str) -> ResponseReturnValue:
    """Set the password, and go on to the second factor."""
    code = request.form.get("code", "")[: pages.CODE_MAX]
    try:
        password = pages.typed_twice("password")
        with context().db.transaction() as tx:
            staff = joining.join(tx, link, code=code, password=password, source=pages.source())
    except WeakPassword as weak:
        return _form(link, refused=weak)
    if staff is None:
        logger().warning("staff_joining_refused", source=pages.source())
        return _form(link, refused=WrongJoiningCode(WRONG_CODE))
    logger().info("staff_joined", staff_id=staff.id)
    sessions.begin(staff)
    return redirect(url_for("console.you", first=1), 303)


@bp.errorhandler(NotInvited)
def _over(why: NotInvited) -> ResponseReturnValue:
    return pages.message("This link does not open", str(why), status=404)


def _form(link: str, *, refused: Refused | None) -> ResponseReturnValue:
    with context().db.transaction() as tx:
        invited = joining.look(tx, link)
    status = 200 if refused is None else 403
    return (
        render_template("staff/join.html", form=FlaskForm(), invited=invited, refused=refused),
        status,
    )
