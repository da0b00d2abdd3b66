"""Writes out what a behaviour plans to post about one request."""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.sandbox.courier import Post
from app.sandbox.safaricom.behaviours import Behaviour, Kind, Planned
from app.sandbox.safaricom.book import Asked
from app.sandbox.safaricom.requests import Query
from app.sandbox.safaricom.results import CHANGES, Result
from app.sandbox.web import JSON

FALSE_CODE = 2040
"""What a failure says that is not true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """A request that was taken, and what could be posted about it."""

    api: str
    about: str
    request: Asked | Query
    result: Result
    failure: Result
    """The same, as a failure."""

    def posts(self, behaviour: Behaviour, *, delay_s: float) -> list[Post]:
        """Every post that this behaviour plans."""
        return [
            Post(
                about=self.about,
                kind=f"{self.api}_{planned.kind}",
                url=self._address(planned),
                body=json.dumps(self._body(planned, behaviour)),
                content_type=JSON,
                after_s=delay_s + planned.after_s + behaviour.finishes_after_s,
            )
            for planned in behaviour.posts
        ]

    def _address(self, planned: Planned) -> str:
        if planned.kind in {Kind.TIMEOUT_ECHO, Kind.TIMEOUT_ENVELOPE}:
            return self.request.timeout_url
        return self.request.result_url

    def _body(self, planned: Planned, behaviour: Behaviour) -> Mapping[str, Any]:
        if planned.kind is Kind.TIMEOUT_ECHO:
            return self.request.body
        if planned.kind in {Kind.FALSE_FAILURE, Kind.TIMEOUT_ENVELOPE}:
            return self.failure
        changed = copy.deepcopy(self.result)
        for name in behaviour.changes:
            CHANGES[name](changed)
        return changed
