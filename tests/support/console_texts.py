"""Every English text that the console may show, as it stands in templates and code."""

import ast
from collections.abc import Iterator
from importlib.resources import files

from jinja2 import Environment
from jinja2.ext import extract_from_ast

from app.ledger.entries import Kind
from app.operations import incident_clocks, money_sentence, provider_status, record_seals, ussd_use
from app.operations.state_titles import TITLES
from app.payouts.limit_plans import WORDS
from app.staff import joining_pages, pages, passwords
from app.staff.accounts import Role
from app.staff.console import day_paper, limits, routes, showing, statement_paper, you
from app.staff.console import files as given_out
from app.staff.console.ways import WAYS
from app.staff.permissions import Permission

TIMELINE = (
    "screen", "PIN", "state", "call", "status query", "from M-PESA", "on the statement", "evidence",
    "SMS", "needs a person", "proposal", "payee checked",
)  # fmt: skip
MESSAGE_STATES = ("queued", "accepted", "delivered", "failed")
OUTCOMES = ("executed", "rejected", "void")


def texts() -> set[str]:
    """All of them, English, with their gaps."""
    return {str(one) for one in (*_in_templates(), *_in_code(), *_by_name())}


def _in_templates() -> Iterator[str]:
    folders = [files("app.staff").joinpath("templates", one) for one in ("console", "staff")]
    reader = Environment(autoescape=True)
    for page in (page for folder in folders for page in folder.iterdir()):
        tree = reader.parse(page.read_text("utf-8"))
        for _, _, text in extract_from_ast(tree, ("_",)):
            first = text[0] if isinstance(text, tuple) else text
            if first:
                yield first


SAYS = {
    "app.operations": {"money_sentence.py": ("Said",), "wellbeing.py": ("Said",)},
    "app.staff": {
        "forms.py": ("InputRequired",),
        "joining.py": ("NotInvited",),
        "pages.py": ("message",),
        "passkeys.py": ("BadPasskey",),
        "joining_pages.py": ("message",),
        "passwords.py": ("WeakPassword",),
    },
    "app.staff.console": {"statement_paper.py": ("text",), "day_paper.py": ("text",)},
}
"""Where code says something to people, and through which calls."""


def _in_code() -> Iterator[str]:
    for package, modules in SAYS.items():
        for module, calls in modules.items():
            source = files(package).joinpath(module).read_text("utf-8")
            yield from _said(ast.parse(source), calls)


def _said(tree: ast.AST, calls: tuple[str, ...]) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name in calls:
            arguments = (one for one in node.args if isinstance(one, ast.Constant))
            yield from (str(one.value) for one in arguments)


def _by_name() -> Iterator[str]:
    yield from money_sentence.WHERE.values()
    yield from TITLES.values()
    yield from (text for both in showing.ACTIONS.values() for text in both)
    yield from showing.KINDS.values()
    yield from (*WORDS.values(), *limits.VALUES, *limits.WEEKDAYS)
    yield from showing.HELD.values()
    yield from (*provider_status.CAUSES.values(), *provider_status.CURES.values())
    yield from showing.MOVEMENTS.values()
    yield from (text for _, text in showing.UNITS)
    yield from showing.WHY_NOT
    yield from record_seals.RULES
    yield from ussd_use.STEPS
    yield from (pages.REFUSED, pages.CODE_REFUSED, joining_pages.WRONG_CODE, pages.UNLIKE)
    yield from (routes.PASSKEY_NEEDED, you.WRONG_PASSWORD)
    yield f"A password has {passwords.LENGTH_MIN} to {passwords.LENGTH_MAX} characters."
    yield from (way.title for group in WAYS for way in group)
    yield from (str(role) for role in Role)
    yield from (str(one) for one in Permission)
    yield from (kind.replace("_", " ") for kind in Kind)
    yield given_out.CUT
    yield from (clock.title for clock in incident_clocks.CLOCKS)
    yield from (
        *statement_paper.WHAT.values(),
        statement_paper.OTHER,
        statement_paper.TITLE,
        day_paper.TITLE,
    )
    yield from (*TIMELINE, *MESSAGE_STATES, *OUTCOMES, "Frozen")
