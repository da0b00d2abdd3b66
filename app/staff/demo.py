"""People to try the console as, one of each role. Only where play money is played with."""

from dataclasses import dataclass
from http import HTTPStatus

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from app import playground
from app.db import Tx
from app.operations.context import context
from app.playground import host_name, is_loopback
from app.staff import accounts, audit, pages, sessions
from app.staff.accounts import NoSuchAccount, Role
from app.staff.audit import Action

PASSWORD = "play-money-only"  # noqa: S105 - never made in production
HEADER = "X-Sandbox"
"""As on the phone page: no foreign page can send it without asking first."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to be."""

    role: Role
    email: str
    name: str


PEOPLE = (
    Person(Role.SUPPORT, "support@demo.example", "Demo support"),
    Person(Role.FINANCE, "finance@demo.example", "Demo accountant"),
    Person(Role.OPS, "ops@demo.example", "Demo operator"),
    Person(Role.MANAGER, "manager@demo.example", "Demo manager"),
    Person(Role.AUDITOR, "auditor@demo.example", "Demo auditor"),
    Person(Role.SECURITY, "security@demo.example", "Demo security"),
)

bp = Blueprint("demo_staff", __name__, url_prefix="/staff/demo")


def hire(tx: Tx) -> None:
    """Make their accounts, on an empty database."""
    for one in PEOPLE:
        accounts.create(tx, email=one.email, name=one.name, role=one.role, password=PASSWORD)


@bp.post("/<role>")
def be(role: str) -> ResponseReturnValue:
    """Sign this browser in as the demo person of a role. Answers JSON, as the phone page wants."""
    assert playground.fits(context().settings), "mounted where it may not be"
    if not is_loopback(host_name(request.host)) or request.headers.get(HEADER) != "1":
        return _no("this is for the phone page on this machine", HTTPStatus.FORBIDDEN)
    person = next((one for one in PEOPLE if one.role == role), None)
    if person is None:
        return _no("there is no such role here", HTTPStatus.NOT_FOUND)
    try:
        with context().db.transaction() as tx:
            staff = accounts.by_email(tx, person.email)
            if staff.has_second_factor:
                return _no(f"{person.email} has a second factor; sign in", HTTPStatus.CONFLICT)
            audit.record(tx, Action.SIGNED_IN, staff_id=staff.id, source=pages.source(), demo="1")
    except NoSuchAccount as gone:
        return _no(str(gone), HTTPStatus.CONFLICT)
    sessions.begin(staff)
    return jsonify(signed_in_as=person.email)


def _no(why: str, status: HTTPStatus) -> ResponseReturnValue:
    return jsonify(error=why), status
