"""The door for Africa's Talking's delivery reports.

Reports carry no signature and their sender publishes no addresses, so the path holds a secret.
They only say how far an SMS came: a forged one misleads a help desk, it moves no money.
"""

from flask import Blueprint, Response, request

from app.channels.doors import doors
from app.db import DatabaseAway
from app.messages import delivery
from app.messages.delivery import Report
from app.observability import logger

BODY_BYTES_MAX = 16 * 1024

bp = Blueprint("delivery", __name__, url_prefix="/sms/<secret>")


@bp.post("/delivery")
def report(secret: str) -> Response:
    """Keep one report. Unknown messages and unknown states are kept too, and are no error."""
    if not doors().settings.opens("sms", secret):
        logger().warning("sms_report_refused", reason="wrong secret", source=request.remote_addr)
        return _answer(404, "Not found")
    if (request.content_length or 0) > BODY_BYTES_MAX:
        return _answer(413, "Too large")
    said = _read()
    if said is None:
        logger().warning("sms_report_refused", reason="no id or status", source=request.remote_addr)
        return _answer(400, "id and status are needed")
    try:
        with doors().db.transaction() as tx:
            delivery.receive(tx, said)
    except DatabaseAway:
        return _answer(503, "Try again")
    return _answer(200, "OK")


def _read() -> Report | None:
    request.max_content_length = BODY_BYTES_MAX  # a body that tells no length is read this far
    form = request.form
    message_id, status = delivery.fit(form.get("id", "")), delivery.fit(form.get("status", ""))
    if not message_id or not status:
        return None
    return Report(message_id, status, delivery.fit(form.get("failureReason", "")))


def _answer(status: int, text: str) -> Response:
    return Response(text, status=status, mimetype="text/plain")
