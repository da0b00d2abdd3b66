"""Every English text that the console may show, as it stands in templates and code."""

import ast
from collections.abc import Iterator
from importlib.resources import files

from jinja2 import Environment
from jinja2.ext import extract_from_ast

from app.ledger.entries import Kind
from app.operations import incident_clocks, money_sentence
from app.operations.state_titles import TITLES
from app.staff.accounts import Role
from app.staff.console import day_paper, showing, statement_paper
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
    return {str(one) for one in (*_in_templates(), *_in_code(), *_in_papers(), *_by_name())}


def _in_templates() -> Iterator[str]:
    pages = files("app.staff").joinpath("templates", "console")
    reader = Environment(autoescape=True)
    for page in pages.iterdir():
        tree = reader.parse(page.read_text("utf-8"))
        for _, _, text in extract_from_ast(tree, ("_",)):
            first = text[0] if isinstance(text, tuple) else text
            if first:
                yield first


def _in_code() -> Iterator[str]:
    """What stands in calls of `Said`."""
    source = files("app.operations").joinpath("money_sentence.py").read_text("utf-8")
    for node in ast.walk(ast.parse(source)):
        is_said = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Said"
        if is_said and isinstance(node.args[0], ast.Constant):
            yield str(node.args[0].value)


def _in_papers() -> Iterator[str]:
    """What stands in calls of `text` where a page is no template but a paper."""
    for module in ("statement_paper.py", "day_paper.py"):
        source = files("app.staff.console").joinpath(module).read_text("utf-8")
        for node in ast.walk(ast.parse(source)):
            is_text = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "text"
            if is_text and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)


def _by_name() -> Iterator[str]:
    yield from money_sentence.WHERE.values()
    yield from TITLES.values()
    yield from (text for both in showing.ACTIONS.values() for text in both)
    yield from showing.KINDS.values()
    yield from showing.MOVEMENTS.values()
    yield from (text for _, text in showing.UNITS)
    yield from showing.WHY_NOT
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
