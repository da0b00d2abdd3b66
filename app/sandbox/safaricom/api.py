"""Daraja's doors: the token and the three POSTs."""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from app.money import CENTS_PER_SHILLING
from app.sandbox.courier import Courier, Post
from app.sandbox.faults import Choice, Faults
from app.sandbox.safaricom import requests, results
from app.sandbox.safaricom.access import Access
from app.sandbox.safaricom.answers import DUPLICATE, INVALID_TOKEN, acknowledge, error
from app.sandbox.safaricom.behaviours import (
    NOT_FOUND,
    Behaviour,
    by_amount,
    resolve,
)
from app.sandbox.safaricom.book import CHARGES, UTILITY, Book, conversation_id, is_open
from app.sandbox.safaricom.posts import FALSE_CODE, Outbound
from app.sandbox.safaricom.requests import Query
from app.sandbox.safaricom.results import Entry, Result
from app.sandbox.store import Store
from app.sandbox.web import Reply, Request, Route, as_json, spoil

_NOT_FOUND_CODE = 2032
_INVALID_PARAMETERS_CODE = 25
_GATE = "gate"
"""Stands for a behaviour in the log of calls that were refused before one was chosen."""
_OPEN_STATUS = "Pending Authorized"
_STUB = "UKN1000000"
"""The transaction id of a query: no receipt, though it stands where one would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long results take."""

    delay_s: float
    """Until an ordinary result."""
    speed: float
    """Divides the built-in long delays."""


class Api:
    """Answers calls, and plans what is posted later."""

    def __init__(
        self, *, store: Store, access: Access, book: Book, faults: Faults, courier: Courier,
        pace: Pace, shortcode: str,
    ) -> None:  # fmt: skip
        self._store = store
        self._access = access
        self._book = book
        self._faults = faults
        self._courier = courier
        self._pace = pace
        self._shortcode = shortcode

    def routes(self) -> list[Route]:
        """Safaricom's real paths."""
        return [
            Route("GET", "/oauth/v1/generate", self.token),
            Route("POST", "/mpesa/b2c/v3/paymentrequest", self.pay),
            Route("POST", "/mpesa/transactionstatus/v1/query", self.status),
            Route("POST", "/mpesa/accountbalance/v1/query", self.balance),
        ]

    def token(self, request: Request) -> Reply:
        """A token for the application. It ends the one before."""
        behaviour = self._choose("oauth", {}, Choice("succeed"))
        reply = self._token(request) if behaviour.taken else None
        return self._finish("oauth", None, behaviour, reply)

    def _token(self, request: Request) -> Reply:
        authorization = request.headers.get("authorization", "")
        if not authorization.startswith("Basic "):
            return error(400, "400.008.01", "Invalid Authentication passed")
        if request.query.get("grant_type") != "client_credentials":
            return error(400, "400.008.02", "Invalid grant type passed")
        if not self._access.knows_application(authorization):
            return Reply(400, content_type="")  # what Daraja says to wrong keys: nothing
        # On the wire the lifetime is a text, whatever the documentation says.
        return as_json({"access_token": self._access.new_token(), "expires_in": "3599"})

    def pay(self, request: Request) -> Reply:
        """A payout request. Its id is remembered for ever, so it is paid once at the most."""
        refusal = self._gate("b2c", request)
        if refusal:
            return refusal
        asked = requests.payout(request.json)
        seen = self._store.row(
            "SELECT 1 FROM call WHERE api = 'b2c' AND about = ? AND behaviour NOT IN (?, ?)",
            asked.ocid, _GATE, "token_expired",
        )  # fmt: skip
        shillings = asked.cents // CENTS_PER_SHILLING
        behaviour = self._choose(
            "b2c",
            {"ocid": asked.ocid, "msisdn": asked.msisdn, "amount": shillings},
            Choice("succeed") if seen else by_amount(shillings),
        )
        if not behaviour.taken:
            return self._finish("b2c", asked.ocid, behaviour, None)
        with self._store.transaction():
            refused = self._access.refuses(initiator=asked.initiator, credential=asked.credential)
            payout = self._book.take(asked, behaviour, operator_refusal=refused)
            if payout is None:
                return self._finish("b2c", asked.ocid, behaviour, DUPLICATE)
            told = Outbound(
                api="b2c",
                about=asked.ocid,
                request=asked,
                result=results.payout_result(payout, code=json.loads(payout["code"])),
                failure=results.payout_result(payout, code=FALSE_CODE),
            )
            posts = self._plan(told, behaviour)
            said = acknowledge(conversation_id=payout["conversation_id"], ocid=asked.ocid)
            reply = self._finish("b2c", asked.ocid, behaviour, said)
        self._hand_over(posts, behaviour)
        return reply

    def status(self, request: Request) -> Reply:
        """What became of a payout. The answer comes as a result, not here."""
        refusal = self._gate("status", request)
        if refusal:
            return refusal
        query = requests.query(request.json)
        payout = self._book.find(ocid=query.ocid, transaction_id=query.transaction_id)
        about = query.ocid or (payout or {}).get("ocid")
        facts = {"ocid": about}
        if payout:
            facts |= {
                "msisdn": payout["msisdn"],
                "amount": payout["cents"] // CENTS_PER_SHILLING,
            }
        behaviour = self._choose("status", facts, Choice("succeed"))
        return self._query("status", query, behaviour, about, self._tell(query, payout, behaviour))

    def balance(self, request: Request) -> Reply:
        """The shortcode's accounts, as a result."""
        refusal = self._gate("balance", request)
        if refusal:
            return refusal
        query = requests.query(request.json)
        behaviour = self._choose("balance", {}, Choice("succeed"))
        parameters = results.balance_parameters(
            utility_cents=self._book.balance(UTILITY),
            charges_cents=self._book.balance(CHARGES),
            at=time.time(),
        )
        code = behaviour.code or 0
        told = (code, None if code else parameters)
        return self._query("balance", query, behaviour, None, told)

    def _tell(
        self, query: Query, payout: Mapping[str, Any] | None, behaviour: Behaviour
    ) -> tuple[int | str, list[Entry] | None]:
        """The result code and the parameters of a status query."""
        if behaviour.code is not None:
            return behaviour.code, None
        if not query.ocid and not query.transaction_id:
            return _INVALID_PARAMETERS_CODE, None
        status = behaviour.status
        if status is None and payout is not None:
            status = _OPEN_STATUS if is_open(payout) else payout["status"]
        asked_before = self._store.value(
            "SELECT count(*) FROM call WHERE api = 'status' AND about = ?",
            payout["ocid"] if payout else "",
        )
        hidden = asked_before < behaviour.not_found_count
        if payout is None or status is None or status == NOT_FOUND or hidden:
            return _NOT_FOUND_CODE, None
        return 0, results.status_parameters(payout, status=status, shortcode=self._shortcode)

    def _query(
        self,
        api: str,
        query: Query,
        behaviour: Behaviour,
        about: str | None,
        answer: tuple[int | str, list[Entry] | None],
    ) -> Reply:
        """Acknowledge a query and plan its result."""
        if not behaviour.taken:
            return self._finish(api, about, behaviour, None)
        own_id, conversation = f"{secrets.token_hex(2)}-{secrets.token_hex(16)}", conversation_id()
        with self._store.transaction():
            refused = self._access.refuses(initiator=query.initiator, credential=query.credential)
            code, parameters = (refused, None) if refused else answer
            told = Outbound(
                api=api,
                about=about or api,
                request=query,
                result=_query_result(code, own_id, conversation, parameters),
                failure=_query_result(_INVALID_PARAMETERS_CODE, own_id, conversation, None),
            )
            posts = self._plan(told, behaviour)
            said = acknowledge(conversation_id=conversation, ocid=own_id)
            reply = self._finish(api, about, behaviour, said)
        self._hand_over(posts, behaviour)
        return reply

    def _gate(self, api: str, request: Request) -> Reply | None:
        """The token and the fields, before anything is done. None: come in."""
        if not self._access.opens(request.headers.get("authorization", "")):
            reply = INVALID_TOKEN[api].reply()
        elif fault := requests.fault_in(api, request.json):
            reply = fault
        else:
            return None
        self._log(api, _ocid_in(request.json), _GATE, "refused", reply)
        return reply

    def _choose(self, api: str, facts: Mapping[str, Any], otherwise: Choice) -> Behaviour:
        choice = self._faults.choose(api=api, **facts) or otherwise
        behaviour = resolve(choice, speed=self._pace.speed)
        if behaviour.kills_token:
            self._access.kill_token()
        return behaviour

    def _finish(
        self, api: str, about: str | None, behaviour: Behaviour, said: Reply | None
    ) -> Reply:
        """The answer as this behaviour gives it, logged. `said` is None if nothing was taken."""
        if said is None:
            outcome = "not_taken"
        elif said is DUPLICATE:
            outcome = "duplicate"
        else:
            outcome = "accepted" if said.status == HTTPStatus.OK else "refused"
        if behaviour.kills_token:
            reply = INVALID_TOKEN.get(api, INVALID_TOKEN["b2c"]).reply()
        else:
            reply = behaviour.said or said or Reply(200)
        self._log(api, about, behaviour.name, outcome, reply)
        return spoil(reply, behaviour.how, behaviour.hang_s)

    def _log(self, api: str, about: str | None, behaviour: str, outcome: str, reply: Reply) -> None:
        self._store.run(
            "INSERT INTO call (at, api, about, behaviour, outcome, http_status)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            time.time(), api, about, behaviour, outcome, reply.status,
        )  # fmt: skip

    def _plan(self, told: Outbound, behaviour: Behaviour) -> list[Post]:
        """Write out the posts and store them together with what caused them."""
        posts = told.posts(behaviour, delay_s=self._pace.delay_s)
        if not behaviour.before_ack:
            for post in posts:
                self._courier.add(post)
        return posts

    def _hand_over(self, posts: list[Post], behaviour: Behaviour) -> None:
        """After the commit: post now what must come before the answer, wake the rest."""
        if behaviour.before_ack:
            for post in posts:
                self._courier.deliver_now(post)
        self._courier.wake()


def _query_result(
    code: int | str, own_id: str, conversation: str, parameters: list[Entry] | None
) -> Result:
    """The result of a query. The ids of its envelope are the query's own."""
    return results.envelope(
        code=code,
        ocid=own_id,
        conversation_id=conversation,
        transaction_id=_STUB,
        parameters=parameters,
        reference={"Key": "Occasion"},
    )


def _ocid_in(body: Any) -> str | None:
    found = body.get("OriginatorConversationID") if isinstance(body, dict) else None
    return found if isinstance(found, str) else None
