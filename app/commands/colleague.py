"""Who stands behind a command that needs a member of staff: their e-mail and password.

What one person may not do alone needs to know which two people it was; the operating system's
user is nobody in particular.
"""

import sys
from collections.abc import Callable, Collection
from typing import Any

import click

from app.audit import COMMAND_LINE, Actor
from app.config import load
from app.db import Database
from app.errors import Refused
from app.staff import second_factor, signing_in
from app.staff.accounts import Role, Staff
from app.staff.second_factor import Seeds, WrongCode
from app.staff.signing_in import Attempt

Command = Callable[..., Any]


class NotSignedIn(Refused):
    """The e-mail and the password are not those of an account that may sign in now."""

    code = "ST-05"


class NoSecondFactor(Refused):
    """In production a password alone is not enough, here as little as in the browser."""

    code = "ST-13"


class NotYourRole(Refused):
    """The person is known, and is not here for this."""

    code = "ST-06"


def colleague(command: Command) -> Command:
    """`--as EMAIL` and `--password-stdin`, given to the command as `email` and `password_stdin`."""
    command = click.option(
        "--password-stdin",
        is_flag=True,
        help="take the first line of stdin, for scripts; the second is the code, if there is one",
    )(command)
    return click.option(
        "--as",
        "email",
        required=True,
        metavar="EMAIL",
        help="your account at /staff; asks for its password",
    )(command)


def sign_in(db: Database, email: str, *, password_stdin: bool, roles: Collection[Role]) -> Actor:
    """The person who typed their password, on record with the try.

    Raises:
        NoSecondFactor: this is production, and the account has none.
        WrongCode: the account has a second factor, and this is not its code.
        NotSignedIn: the password is wrong, or the account is unknown, locked or disabled.
        NotYourRole: the account has none of `roles`.
        TooManyTries: too many wrong passwords were typed at this command line lately.
    """
    password = _line() if password_stdin else _asked(f"Password of {email}")
    with db.transaction() as tx:
        attempt = Attempt(email, password, COMMAND_LINE, in_production=load().in_production)
        person = signing_in.sign_in(tx, attempt)
    if person is None:
        raise NotSignedIn(
            "This e-mail and password do not fit, or the account is locked."
            " See `baraza staff list`; `baraza staff password EMAIL` sets a new one."
        )
    if attempt.in_production and not person.has_second_factor:
        raise NoSecondFactor(f"{person.email} has no second factor yet. Set one up at /staff/you.")
    if person.has_second_factor:
        _require_code(db, person, _line() if password_stdin else _asked("Code"))
    return _in_role(person, roles)


def _require_code(db: Database, person: Staff, code: str) -> None:
    seeds = Seeds(load().secret_key.get_secret_value())
    with db.transaction() as tx:
        is_right = second_factor.matches(tx, person.id, code, seeds=seeds, source=COMMAND_LINE)
    if not is_right:
        raise WrongCode("The code is not right, was used before, or the account is locked.")


def _line() -> str:
    return sys.stdin.readline().rstrip("\r\n")


def _asked(what: str) -> str:
    typed: str = click.prompt(what, hide_input=True, err=True)
    return typed


def _in_role(person: Staff, roles: Collection[Role]) -> Actor:
    if person.role not in roles:
        raise NotYourRole(
            f"{person.email} is here for {person.role}; this needs {' or '.join(sorted(roles))}."
        )
    return Actor(COMMAND_LINE, staff_id=person.id, name=person.name)
