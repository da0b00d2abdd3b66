"""Changing between English and Kiswahili."""

from flask import Blueprint, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.operations.context import context
from app.staff import pages
from app.staff.console import words

bp = Blueprint("language", __name__, url_prefix="/staff")
pages.guard(bp)


@bp.post("/language")
def choose() -> ResponseReturnValue:
    """Remember the language in this browser. It is no secret, and needs nobody signed in."""
    wanted = request.form.get("language", "")
    if wanted not in words.LANGUAGES:
        abort(400, "There is no such language here.")
    answer = redirect(_came_from(), 303)
    answer.set_cookie(
        words.COOKIE,
        wanted,
        max_age=words.YEAR_S,
        httponly=True,
        secure=context().settings.in_production,
        samesite="Lax",
        path="/staff",
    )
    return answer


def _came_from() -> str:
    """The staff page that was open: only ever one of this very host."""
    asked = request.form.get("here", "")
    start = url_for("console.today")
    is_ours = asked.startswith(start) and "\\" not in asked and "//" not in asked
    return asked if is_ours else start
