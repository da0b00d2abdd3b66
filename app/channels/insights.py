"""The door for Africa's Talking's answers about SIM cards.

They carry no signature, so the path holds a secret. A forged answer can hold one payout back or
let it pass the check; it can neither make a payout nor send it elsewhere.
"""

import json

from flask import Blueprint, Response, request

from app.channels.doors import doors
from app.db import DatabaseAway
from app.doorbell import Step
from app.observability import logger
from app.payouts import sim_check
from app.providers.insights import read_answer

BODY_BYTES_MAX = 16 * 1024

bp = Blueprint("insights", __name__, url_prefix="/insights/<secret>")


@bp.post("/sim-swap")
def sim_swap(secret: str) -> Response:
    """Keep one answer, also one whose question is not stored yet, and let the check go on."""
    if not doors().settings.opens("insights", secret):
        logger().warning("sim_answer_refused", reason="wrong secret", source=request.remote_addr)
        return _answer(404, "Not found")
    request.max_content_length = BODY_BYTES_MAX
    try:
        said = read_answer(json.loads(request.get_data(cache=False)))
    except (ValueError, RecursionError):
        said = None
    if said is None:
        return _answer(400, "requestId is needed")
    try:
        with doors().db.transaction() as tx:
            sim_check.receive(tx, said)
    except DatabaseAway:
        return _answer(503, "Try again")
    doors().doorbell.ring(Step.CHECK)
    return _answer(200, "OK")


def _answer(status: int, text: str) -> Response:
    return Response(text, status=status, mimetype="text/plain")
