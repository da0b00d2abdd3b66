"""Faults as data: which call goes wrong, how often, and in which way.

A fault is asked for over HTTP, so that tests, the command line and a page use the same list:

    POST /faults {"match": {"api": "b2c", "nth": 2}, "do": "hang_then_pay", "times": 1}

`match` names facts of a call that must all be equal (`api`, `msisdn`, `amount` in shillings, …);
`nth` is the how-manieth matching call since the fault was added. `times` is how often it happens
(default 1; null: until cleared). Everything else changes the behaviour, which documents it.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from app.sandbox.store import Store
from app.sandbox.web import Reply, Request, Route, as_json, refuse

_FRAME = {"match", "do", "times"}


@dataclass(frozen=True, slots=True)
class Choice:
    """A behaviour that was chosen for one call, with its changes."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What a fault may speak of. Anything else is a slip that would let a test pass for nothing."""

    behaviours: Collection[str]
    facts: Collection[str]
    """What a call can be matched by, besides `nth`."""
    params: Collection[str]
    changes: Collection[str] = ()
    """What the parameter `changes` may list."""

    def slip_in(self, asked: Any) -> str | None:
        """A sentence on what cannot be meant, or None."""
        if not isinstance(asked, dict) or not isinstance(asked.get("match", {}), dict):
            return "a fault is a JSON object with 'match' and 'do'"
        if asked.get("do") not in self.behaviours:
            return f"'do' must be one of: {_listed(self.behaviours)}"
        times = asked.get("times", 1)
        if times is not None and (not isinstance(times, int) or times < 1):
            return "'times' must be a whole number of 1 or more, or null"
        for what, used, known in (
            ("fact", asked.get("match", {}).keys(), {*self.facts, "nth"}),
            ("parameter", asked.keys(), {*self.params, *_FRAME}),
            ("change", asked.get("changes", ()), {*self.changes}),
        ):
            unknown = set(used) - known
            if unknown:
                return f"unknown {what} {_listed(unknown)}; known: {_listed(known)}"
        return None


class Faults:
    """The faults that are in force, and the doors to them."""

    def __init__(self, store: Store, vocabulary: Vocabulary) -> None:
        self._store = store
        self._vocabulary = vocabulary

    def choose(self, **facts: object) -> Choice | None:
        """The oldest fault that fits this call, used up by one; None if none fits."""
        if self._store.value("SELECT count(*) FROM fault") == 0:
            return None
        chosen = None
        with self._store.transaction():
            for row in self._store.rows("SELECT * FROM fault ORDER BY id"):
                match = json.loads(row["match"])
                nth = match.pop("nth", 1)
                if not _fits(match, facts):
                    continue
                # Every fault that fits counts this call, also when an older one takes it.
                self._store.run("UPDATE fault SET seen = seen + 1 WHERE id = ?", row["id"])
                if chosen is None and row["times_left"] != 0 and row["seen"] + 1 >= nth:
                    chosen = row
            if chosen is None:
                return None
            self._store.run(
                "UPDATE fault SET used = used + 1, times_left = times_left - 1 WHERE id = ?",
                chosen["id"],
            )
        return Choice(chosen["do"], json.loads(chosen["params"]))

    def routes(self) -> list[Route]:
        """Add, list and clear."""
        return [
            Route("POST", "/faults", self._add),
            Route("GET", "/faults", self._list),
            Route("DELETE", "/faults", self._clear),
        ]

    def _add(self, request: Request) -> Reply:
        asked = request.json
        slip = self._vocabulary.slip_in(asked)
        if slip:
            return refuse(slip)
        params = {name: value for name, value in asked.items() if name not in _FRAME}
        number = self._store.run(
            "INSERT INTO fault (match, do, params, times_left) VALUES (?, ?, ?, ?)",
            json.dumps(asked.get("match", {})), asked["do"], json.dumps(params),
            asked.get("times", 1),
        )  # fmt: skip
        return as_json({"id": number}, HTTPStatus.CREATED)

    def _list(self, _: Request) -> Reply:
        rows = self._store.rows("SELECT * FROM fault ORDER BY id")
        return as_json(
            [
                {
                    "id": row["id"],
                    "match": json.loads(row["match"]),
                    "do": row["do"],
                    "times_left": row["times_left"],
                    "used": row["used"],
                    **json.loads(row["params"]),
                }
                for row in rows
            ]
        )

    def _clear(self, _: Request) -> Reply:
        with self._store.transaction():
            cleared = self._store.value("SELECT count(*) FROM fault")
            self._store.run("DELETE FROM fault")
        return as_json({"cleared": cleared})


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))


def _fits(match: Mapping[str, object], facts: Mapping[str, object]) -> bool:
    # As text, because 510 and "510" are the same amount, and with or without plus the same number.
    return all(
        name in facts and str(facts[name]).lstrip("+") == str(wanted).lstrip("+")
        for name, wanted in match.items()
    )
