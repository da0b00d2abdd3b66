"""Typing `baraza` commands in a test's own process, alone or as a member of staff."""

from collections.abc import Callable, Mapping

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.db import Database
from app.staff import accounts

PASSWORD = "four unrelated words here"
WIDTH = "220"
Run = Callable[..., Result]


def typist(
    db: Database,
    monkeypatch: pytest.MonkeyPatch,
    *,
    staff: Mapping[str, str],
    environment: Mapping[str, str],
) -> Run:
    """Types a command; with `email`, as that person. `staff` are roles by e-mail."""
    for name, value in {"COLUMNS": WIDTH, **environment}.items():
        monkeypatch.setenv(name, value)
    with db.transaction() as tx:
        for email, role in staff.items():
            accounts.create(tx, email=email, name=email[:5], role=role, password=PASSWORD)

    def type_in(*arguments: str, email: str = "") -> Result:
        who = ("--as", email, "--password-stdin") if email else ()
        return CliRunner().invoke(main, [*arguments, *who], input=f"{PASSWORD}\n")

    return type_in
