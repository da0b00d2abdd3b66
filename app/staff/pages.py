"""Signing in and out, and the pages that say one thing."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from app import playground
from app.db import DatabaseAway
from app.observability import logger
from app.operations.context import context
from app.staff import accounts, audit, headers, passkeys, second_factor, sessions, signing_in
from app.staff.audit import Action
from app.staff.forms import SignInForm
from app.staff.passwords import LENGTH_MAX, WeakPassword
from app.staff.second_factor import Seeds
from app.staff.signing_in import Attempt, TooManyTries

REFUSED = (
    "E-mail or password is not right, or the account is locked for a while"
    " (five wrong passwords lock it for 15 minutes)."
)

CODE_REFUSED = (
    "The code is not right, was used before, or the account is locked for a while"
    " (five wrong tries lock it for 15 minutes)."
)
UNLIKE = "The two passwords are not the same."
CODE_MAX = 40

bp = Blueprint(
    "staff", __name__, url_prefix="/staff", template_folder="templates", static_folder="static"
)


def _forged_or_stale(_error: CSRFError) -> ResponseReturnValue:
    return message(
        "This form is too old", "Go back, load the page anew and send the form again.", status=400
    )


def database_away(_error: DatabaseAway) -> ResponseReturnValue:
    """The page for staff while PostgreSQL cannot be reached."""
    return message(
        "The database does not answer",
        "Nothing is lost. Members are told to try again later. This page tries again by itself.",
        status=503,
        again=True,
    )


def _http(error: HTTPException) -> ResponseReturnValue:
    return message(error.name, error.description or "", status=error.code or 500)


def say_what_went_wrong(pages: Blueprint) -> None:
    """Let these pages answer errors with a sentence. None of it needs the database."""
    pages.register_error_handler(CSRFError, _forged_or_stale)
    pages.register_error_handler(DatabaseAway, database_away)
    pages.register_error_handler(HTTPException, _http)


def _refuse_forged_forms() -> None:
    current_app.extensions["csrf"].protect()


def _protect(response: Response) -> Response:
    return headers.protect(
        response,
        policy=headers.STRICT,
        https=context().settings.in_production,
        is_static=request.endpoint == "staff.static",
    )


def guard(pages: Blueprint) -> None:
    """What holds for every page that opens before somebody is signed in."""
    say_what_went_wrong(pages)
    pages.before_request(_refuse_forged_forms)
    pages.after_request(_protect)


guard(bp)


@bp.get("/login")
def login() -> ResponseReturnValue:
    """The sign-in form."""
    if sessions.present():
        return redirect(target())
    return render_template("staff/login.html", form=SignInForm(), refused="", next=target())


@bp.post("/login")
def sign_in() -> ResponseReturnValue:
    """Check what was typed and start a session."""
    form = SignInForm()
    if not form.validate():
        page = render_template("staff/login.html", form=form, refused="", next=target())
        return page, 422
    attempt = Attempt(
        form.email.data or "",
        form.password.data or "",
        source(),
        in_production=context().settings.in_production,
    )
    try:
        with context().db.transaction() as tx:
            staff = signing_in.sign_in(tx, attempt)
    except TooManyTries as too_many:
        page = render_template("staff/login.html", form=form, refused=str(too_many), next=target())
        return page, 429
    if staff is None:
        logger().warning("staff_sign_in_refused", source=source())
        page = render_template("staff/login.html", form=form, refused=REFUSED, next=target())
        return page, 403
    if staff.has_second_factor:
        sessions.wait_for_code(staff)
        return redirect(url_for("staff.code", next=target()), 303)
    logger().info("staff_signed_in", staff_id=staff.id, source=source())
    sessions.begin(staff)
    return redirect(target(), 303)


@bp.get("/code")
def code() -> ResponseReturnValue:
    """The form for the code of the authenticator app."""
    if sessions.pending() is None:
        return redirect(url_for("staff.login", next=target()))
    return code_page(refused="")


@bp.post("/code")
def sign_in_with_code() -> ResponseReturnValue:
    """Check the code of whoever's password was right, and start a session."""
    waiting = sessions.pending()
    if waiting is None:
        return redirect(url_for("staff.login", next=target()), 303)
    staff_id, key = waiting
    with context().db.transaction() as tx:
        staff = accounts.find(tx, staff_id=staff_id, session_key=key)
        is_right = staff is not None and second_factor.matches(
            tx, staff_id, request.form.get("code", "")[:CODE_MAX], seeds=seeds(), source=source()
        )
        if is_right:
            audit.record(tx, Action.SIGNED_IN, staff_id=staff_id, source=source())
    if staff is None or not is_right:
        logger().warning("staff_code_refused", source=source())
        return code_page(refused=CODE_REFUSED), 403
    logger().info("staff_signed_in", staff_id=staff.id, source=source())
    sessions.begin(staff, with_code=True)
    return redirect(target(), 303)


def here() -> passkeys.Page:
    """The host that the browser sees, which its passkeys belong to."""
    return passkeys.Page(playground.host_name(request.host), f"{request.scheme}://{request.host}")


def typed_twice(field: str) -> str:
    """A new password from the current request's form, which holds it twice.

    Raises:
        WeakPassword: it was typed in two ways.
    """
    typed, again = (request.form.get(name, "")[: LENGTH_MAX + 1] for name in (field, "again"))
    if typed != again:
        raise WeakPassword(UNLIKE)
    return typed


def seeds() -> Seeds:
    """What reads and writes the seeds of this installation's second factors."""
    return Seeds(context().settings.secret_key.get_secret_value())


@bp.post("/logout")
def sign_out() -> ResponseReturnValue:
    """End every session of this person, so that a copied cookie is worthless too."""
    staff = sessions.present()
    if staff:
        with context().db.transaction() as tx:
            accounts.end_sessions(tx, staff.id)
            audit.record(tx, Action.SIGNED_OUT, staff_id=staff.id, source=source())
    sessions.ended()
    return redirect(url_for("staff.login"), 303)


def message(title: str, text: str, *, status: int, again: bool = False) -> tuple[str, int]:
    """A page that says one thing. With `again` the browser tries anew after some seconds."""
    page = render_template("staff/message.html", title=title, text=text, again=again)
    return page, status


def to_sign_in() -> ResponseReturnValue:
    """Send the browser to the sign-in page, to come back here afterwards."""
    ended = 1 if sessions.ended() else None
    return redirect(url_for("staff.login", next=request.full_path.rstrip("?"), ended=ended))


def source() -> str:
    """The caller's address, as far as our own proxies tell it."""
    return request.remote_addr or "unknown"


def code_page(*, refused: str) -> str:
    """The form for a code, or a passkey where this host has one of the person's."""
    waiting = sessions.pending()
    with context().db.transaction() as tx:
        keys = passkeys.of(tx, waiting[0], host=here().host) if waiting else []
    return render_template(
        "staff/code.html",
        form=FlaskForm(),
        refused=refused,
        next=target(),
        has_passkey=bool(keys),
    )


def target() -> str:
    """Where to go after signing in: only ever a staff page of this very host."""
    asked = request.values.get("next", "")
    parts = urlsplit(asked)
    is_ours = not parts.scheme and not parts.netloc and "\\" not in asked
    if is_ours and (parts.path == "/staff" or parts.path.startswith("/staff/")):
        return asked
    return url_for("console.today")
