"""What the page can break on this machine, as data."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

import sqlalchemy as sa
from flask import Response, jsonify
from redis.exceptions import RedisError

from app import redis_client
from app.audit import Actor
from app.errors import Refused
from app.operations.context import context
from app.payouts import switch
from app.phone_page import processes, relay
from app.phone_page.answers import Answer, no

PAGE = Actor("sandbox", name="phone page")
REASON = "tried on the phone page"
REDIS_TIMEOUT_S = 2.0


class CannotDo(Refused):
    """There is nothing to do it to. The message says so to a person."""

    code = "PP-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One button."""

    name: str
    group: str
    title: str
    happens: str
    must_be_seen: str
    run: Callable[[], str]
    """Does it and says what was done."""


def described() -> list[dict[str, str]]:
    """All acts in words."""
    words = ("name", "group", "title", "happens", "must_be_seen")
    return [{word: getattr(act, word) for word in words} for act in ACTS.values()]


def do(name: str) -> Answer | Response:
    """Do it and answer the page."""
    act = ACTS.get(name)
    if act is None:
        return no("there is no such act", HTTPStatus.NOT_FOUND)
    try:
        return jsonify(done=act.run())
    except Refused as refused:
        return no(str(refused), HTTPStatus.CONFLICT)


def _kill(group: str) -> str:
    with context().db.transaction() as tx:
        workers = list(tx.scalars(sa.text("SELECT name FROM worker_heartbeat")))
    pid = processes.kill(context().settings.baraza_var, group, workers=workers)
    what = "parent of all workers" if group == "parent" else f"{group} worker"
    return f"The {what} (process {pid}) was killed."


def _wipe_redis() -> str:
    redis = redis_client.connect(context().settings.redis_url, timeout_s=REDIS_TIMEOUT_S)
    try:
        keys = redis.dbsize()
        redis.flushdb()
    except RedisError as away:
        raise CannotDo("Redis does not answer, so there is nothing to wipe") from away
    finally:
        redis.close()
    return f"Redis was emptied: {keys} keys are gone."


def _stop() -> str:
    with context().db.transaction() as tx:
        switch.stop(tx, reason=REASON, by=PAGE)
    return "Withdrawals are stopped."


def _resume() -> str:
    with context().db.transaction() as tx:
        switch.resume(tx, reason=REASON, by=PAGE)
    return "Withdrawals go on."


def _clear_faults() -> str:
    for way in (relay.NETWORK, relay.MPESA):
        answer = relay.send(way, "DELETE", "/faults")
        if not isinstance(answer, Response):
            raise CannotDo(f"{way.name} does not answer")
    return "No fault is in force."


def _forge_result() -> str:
    answer = relay.send(relay.MPESA, "POST", "/intruder")
    told = answer.get_json() if isinstance(answer, Response) else {}
    if "http_status" not in told:
        raise CannotDo(told.get("error", f"{relay.MPESA.name} does not answer"))
    return f"A false success was posted; Baraza answered {told['http_status'] or told['error']}."


def _killer(group: str, title: str, must_be_seen: str) -> Act:
    return Act(
        name=f"kill-{group}",
        group="kill",
        title=title,
        happens="SIGKILL, in the middle of whatever it does.",
        must_be_seen=must_be_seen,
        run=partial(_kill, group),
    )


_BACK = "It is back within a second or two; its claims are void; nothing is done twice."
_ACTS = (
    _killer("pay", "Kill the worker that calls M-PESA",
            "A call without a recorded end is a doubt, never a no: asked about, paid once."),
    _killer("money", "Kill the worker of the books", _BACK),
    _killer("talk", "Kill the worker of SMS and questions", _BACK),
    _killer("clock", "Kill the timekeeper", "Another second passes; what is due is found again."),
    _killer("parent", "Kill all workers at once", "All are back within seconds; nothing is lost."),
    Act(name="wipe-redis", group="world", title="Empty Redis",
        happens="Every key is gone: the bells, the sessions, the dashboard's jobs.",
        must_be_seen="Rung again from PostgreSQL within two seconds; no session breaks.",
        run=_wipe_redis),
    Act(name="stop-withdrawals", group="world", title="Stop withdrawals",
        happens="An operator stops everything that is not yet sent.",
        must_be_seen="The phone says so; what was sent is followed to its end.", run=_stop),
    Act(name="resume-withdrawals", group="world", title="Let withdrawals go on",
        happens="The stop ends.", must_be_seen="What waited goes on by itself.", run=_resume),
    Act(name="forge-result", group="world", title="Forge a result",
        happens="Somebody posts a success in M-PESA's name, with the right amount, phone and id.",
        must_be_seen="HTTP 404: without the payout's own secret nothing is even filed.",
        run=_forge_result),
    Act(name="clear-faults", group="world", title="Clear all faults",
        happens="Both stand-ins behave.", must_be_seen="The next withdrawal simply succeeds.",
        run=_clear_faults),
)  # fmt: skip
ACTS = {act.name: act for act in _ACTS}
