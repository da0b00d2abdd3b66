"""Faults as data: which call goes wrong, how often, and in which way.

A fault is asked for over HTTP, so that tests, the command line and a page use the same list:

    POST /faults {"match": {"api": "b2c", "nth": 2}, "do": "hang_then_pay", "times": 1}

`match` names facts of a call that must all be equal (`api`, `msisdn`, `amount` in shillings, …);
`nth` is the how-manieth matching call since the fault was added. `times` is how often it happens
(default 1; null: until cleared). Everything else changes the behaviour, which documents it.

`GET /faults` is a scenario: saved and sent back with `PUT /faults`, it is in force again, alone.
`GET /faults/vocabulary` and `GET /magic` say in words what can be asked for.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Any

from app.sandbox.store import Store
from app.sandbox.web import Reply, Request, Route, as_json, refuse

_FRAME = {"match", "do", "times"}
_COUNTERS = {"id", "times_left", "used"}
"""What a listed fault has beyond what was asked for."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A fault in words, for a person who chooses one."""

    name: str
    group: str
    title: str
    happens: str
    must_be_seen: str
    """Of Baraza, and by the member."""
    example: Mapping[str, Any]
    """Can be posted as it is."""
    featured: bool = False
    """What to try first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Magic:
    """What an amount ending in these two digits asks for, without any fault."""

    ending: str
    title: str
    happens: str
    must_be_seen: str


class Faults:
    """The faults that are in force, and the doors to them."""

    def __init__(
        self,
        store: Store,
        vocabulary: Vocabulary,
        *,
        cards: Sequence[Card] = (),
        magic: Sequence[Magic] = (),
    ) -> None:
        self._store = store
        self._vocabulary = vocabulary
        self._cards = cards
        self._magic = magic

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
        """Add, list, clear, replace all, and what there is to choose from."""
        return [
            Route("POST", "/faults", self._add),
            Route("GET", "/faults", self._list),
            Route("DELETE", "/faults", self._clear),
            Route("PUT", "/faults", self._replace),
            Route("GET", "/faults/vocabulary", self._describe),
            Route("DELETE", "/faults/{number}", self._take_back),
            Route("GET", "/magic", lambda _: as_json([asdict(one) for one in self._magic])),
        ]

    def _add(self, request: Request) -> Reply:
        asked = request.json
        slip = self._vocabulary.slip_in(asked)
        if slip:
            return refuse(slip)
        return as_json({"id": self._put_in_force(asked)}, HTTPStatus.CREATED)

    def _put_in_force(self, asked: Mapping[str, Any]) -> int:
        params = {name: value for name, value in asked.items() if name not in _FRAME}
        return self._store.run(
            "INSERT INTO fault (match, do, params, times_left) VALUES (?, ?, ?, ?)",
            json.dumps(asked.get("match", {})), asked["do"], json.dumps(params),
            asked.get("times", 1),
        )  # fmt: skip

    def _replace(self, request: Request) -> Reply:
        """Put a saved scenario in force. A fault that was used up when it was saved is left out."""
        listed = request.json
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            return refuse("a scenario is a list of faults, as GET /faults gives it")
        wanted = [_as_asked(one) for one in listed if one.get("times_left", 1) != 0]
        slip = next(filter(None, map(self._vocabulary.slip_in, wanted)), None)
        if slip:
            return refuse(slip)
        with self._store.transaction():
            self._store.run("DELETE FROM fault")
            for asked in wanted:
                self._put_in_force(asked)
        return self._list(request)

    def _take_back(self, _: Request, number: str) -> Reply:
        with self._store.transaction():
            found = self._store.value("SELECT count(*) FROM fault WHERE id = ?", number)
            self._store.run("DELETE FROM fault WHERE id = ?", number)
        if not found:
            return refuse("there is no such fault", HTTPStatus.NOT_FOUND)
        return as_json({"cleared": found})

    def _describe(self, _: Request) -> Reply:
        params = sorted(self._vocabulary.params)
        return as_json([{**asdict(card), "params": params} for card in self._cards])

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


def _as_asked(listed: Mapping[str, Any]) -> dict[str, Any]:
    """A fault as it would be asked for, from the way it is listed."""
    asked = {name: value for name, value in listed.items() if name not in _COUNTERS}
    if "times_left" in listed:
        asked["times"] = listed["times_left"]
    return asked


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))


def _fits(match: Mapping[str, object], facts: Mapping[str, object]) -> bool:
    # As text, because 510 and "510" are the same amount, and with or without plus the same number.
    return all(
        name in facts and str(facts[name]).lstrip("+") == str(wanted).lstrip("+")
        for name, wanted in match.items()
    )
