"""Who is signed in, for how long, and how the browser is told to keep it.

The cookie is signed and holds the account's id and session key; each request looks both up, so a
disabled account or a new password ends every session at once.
"""

import hashlib
import hmac
from datetime import timedelta
from uuid import UUID

from flask import Flask, Request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_login import LoginManager, UserMixin, current_user, login_user

from app import clock
from app.operations.context import context
from app.staff import accounts
from app.staff.accounts import Staff

IDLE = timedelta(minutes=15)
ABSOLUTE = timedelta(hours=8)
_RENEW_AFTER_S = 30
"""Activity is written down this often, so that not every answer carries a new cookie."""
_BEGAN, _SEEN, _STRONG, _PENDING = "began_at", "seen_at", "strong_at", "pending"
_PASSKEY = "passkey_at"
PENDING = timedelta(minutes=5)
"""How long a right password waits for its code."""
FRESH = timedelta(minutes=10)
"""How long after a code something that needs one may be done without another."""


class User(UserMixin):
    """A signed-in person, as flask-login knows one."""

    def __init__(self, staff: Staff) -> None:
        self.staff = staff

    def get_id(self) -> str:
        """What the cookie holds: enough to find the person, nothing that tells who it is."""
        return f"{self.staff.id}.{self.staff.session_key}"


class _OfPeople(SecureCookieSessionInterface):
    """Sessions where people are.

    At the doors of machines there are none, and to look for one costs a tenth of a callback.
    """

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if not request.path.startswith("/staff"):
            return None
        return super().open_session(app, request)


def register(app: Flask) -> None:
    """Set up sessions and their cookie for this application."""
    settings = context(app).settings
    app.session_interface = _OfPeople()
    app.secret_key = hmac.digest(
        settings.secret_key.get_secret_value().encode(), b"staff sessions", hashlib.sha256
    )
    app.config.update(
        # __Host- makes the browser refuse the cookie from a sibling host or over plain HTTP.
        SESSION_COOKIE_NAME="__Host-baraza-staff" if settings.in_production else "baraza-staff",
        SESSION_COOKIE_SECURE=settings.in_production,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    manager = LoginManager()
    manager.session_protection = "strong"
    manager.user_loader(_load)
    manager.init_app(app, add_context_processor=False)


def begin(staff: Staff, *, with_code: bool = False, with_passkey: bool = False) -> None:
    """Start a session for a person whose password was right, and second factor if there is one."""
    # Whatever an earlier visitor left in this browser must not live on in the new session.
    session.clear()
    session[_BEGAN] = session[_SEEN] = _now_s()
    if with_code or with_passkey:
        strengthen(by_passkey=with_passkey)
    login_user(User(staff))


def wait_for_code(staff: Staff) -> None:
    """Remember whose password was right. Nobody is signed in by that."""
    session.clear()
    session[_PENDING] = [staff.id, str(staff.session_key), _now_s()]


def pending() -> tuple[int, UUID] | None:
    """Id and session key of the person whose code is awaited in this browser, if any."""
    staff_id, key, since = session.get(_PENDING, (None, "", 0))
    if staff_id is None or _now_s() - since > PENDING.total_seconds():
        return None
    return staff_id, UUID(key)


def strengthen(*, by_passkey: bool = False) -> None:
    """The person has just shown the second factor."""
    session[_STRONG] = _now_s()
    if by_passkey:
        session[_PASSKEY] = _now_s()


def is_fresh(*, by_passkey: bool = False) -> bool:
    """Whether the second factor, or only a passkey, was shown lately in this session."""
    shown_at = session.get(_PASSKEY if by_passkey else _STRONG, 0)
    return bool(_now_s() - shown_at <= FRESH.total_seconds())


def present() -> Staff | None:
    """The person who makes the current request, or None.

    Raises:
        DatabaseAway: it cannot be told.
    """
    # Without a session there is nothing to look up, and flask-login would mark the empty one.
    if _BEGAN not in session:
        return None
    if not current_user.is_authenticated:
        return None
    staff: Staff = current_user.staff
    # A session from before the second factor was set up shows no more than a password.
    return None if staff.has_second_factor and _STRONG not in session else staff


def renew() -> None:
    """Count the current request as activity of the person who makes it."""
    if _now_s() - session[_SEEN] > _RENEW_AFTER_S:
        session[_SEEN] = _now_s()


def ended() -> bool:
    """Whether this browser brought a session that is over. Forgets it."""
    was_there = _BEGAN in session
    if was_there:
        session.clear()  # a code that is awaited goes on being awaited
    return was_there


def _load(cookie_id: str) -> User | None:
    now = _now_s()
    idle_s, whole_s = now - session[_SEEN], now - session[_BEGAN]
    if idle_s > IDLE.total_seconds() or whole_s > ABSOLUTE.total_seconds():
        return None
    staff_id, _, key = cookie_id.partition(".")
    with context().db.transaction() as tx:
        staff = accounts.find(tx, staff_id=int(staff_id), session_key=UUID(key))
    return User(staff) if staff else None


def _now_s() -> int:
    return int(clock.now().timestamp())
