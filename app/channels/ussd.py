"""The door for the USSD gateway (Africa's Talking).

The gateway ends a session in its own words on anything but HTTP 200 with `CON ` or `END `, so every
callback gets one of ours, whatever happens. Only a wrong secret in the path gets 404: that caller
is not the gateway.
"""

import re
import time
import traceback
from typing import Final

from flask import Blueprint, Response, request
from flask.sansio.blueprints import BlueprintSetupState
from werkzeug.exceptions import HTTPException

from app.channels import ussd_hops
from app.channels.doors import doors, doors_of
from app.channels.ussd_hops import NOT_UNDERSTOOD, Reply
from app.channels.ussd_sessions import Hop, SessionBusy
from app.db import DatabaseAway
from app.errors import Misconfigured
from app.msisdn import is_e164
from app.observability import logger
from ussd_menus import notices
from ussd_menus.placeholders import check_fits

BODY_BYTES_MAX = 16 * 1024
TEXT_LENGTH_MAX = 1_000
SCREEN_HEADER: Final = "at-ussd-hop-metadata"
"""Shown on the gateway's console and sent back at the session's end: screen ids, never data."""
_SESSION_ID = re.compile(r"[!-~]{1,100}")
_END_STATUSES = frozenset({"Success", "Incomplete", "Failed"})
_HOP_FIELDS = ("sessionId", "phoneNumber", "serviceCode", "text")

UNAVAILABLE = Reply(notices.UNAVAILABLE, "notice.unavailable")
UNSURE = Reply(notices.UNSURE, "notice.unsure")

bp = Blueprint("ussd", __name__, url_prefix="/ussd/<secret>")


@bp.record_once
def check_settings(setup: BlueprintSetupState) -> None:
    """Refuse, at start, settings that would make a screen longer than a phone shows.

    Raises:
        Misconfigured: which text is too long, or cannot be shown.
    """
    settings = doors_of(setup.app).settings
    try:
        check_fits("sacco", settings.sacco_name)
        check_fits("tel", settings.sacco_phone)
        check_fits("hours", settings.sacco_hours)
    except ValueError as unfit:
        raise Misconfigured(f"SACCO_NAME, SACCO_PHONE or SACCO_HOURS: {unfit}") from None


@bp.post("")
def hop(secret: str) -> Response:
    """One hop: everything the member typed so far comes in, the next screen goes out."""
    if not doors().settings.opens("ussd", secret):
        return Response("Not found", status=404, mimetype="text/plain")
    started = time.monotonic()
    asked = _read()
    reply = NOT_UNDERSTOOD if asked is None else _serve(asked)
    logger().info(
        "ussd_hop",
        session=asked.session_id if asked else None,
        screen=reply.screen,
        seconds=round(time.monotonic() - started, 4),
    )
    response = Response(reply.body, mimetype="text/plain")
    response.headers[SCREEN_HEADER] = reply.screen
    return response


@bp.post("/end")
def end(secret: str) -> Response:
    """The gateway's note that a session ended. It may come twice, late or never: a log line only.

    Its `input` holds the PIN and its `lastAppResponse` the balance; neither is looked at.
    """
    if not doors().settings.opens("ussd", secret):
        return Response("Not found", status=404, mimetype="text/plain")
    form = _form()
    session_id, status = form.get("sessionId", ""), form.get("status", "")
    logger().info(
        "ussd_session_ended",
        session=session_id if _SESSION_ID.fullmatch(session_id) else None,
        status=status if status in _END_STATUSES else "other",
        hops=_count(form.get("hopsCount", "")),
        milliseconds=_count(form.get("durationInMillis", "")),
    )
    return Response("", mimetype="text/plain")


def _serve(asked: Hop) -> Reply:
    """Answer, and tell the truth about it where that fails."""
    served = False
    try:
        reply = ussd_hops.look(doors(), asked)
        if reply is not None:
            return reply
        with doors().db.transaction() as tx:
            reply = ussd_hops.serve(tx, doors(), asked)
            # From here on only the commit is left, and a commit whose answer is lost may stand.
            served = True
    except SessionBusy:
        return UNSURE
    except DatabaseAway as away:
        logger().warning("ussd_database_away", error=str(away))
        return UNSURE if served else UNAVAILABLE
    except Exception as failed:  # noqa: BLE001 - the member must get an answer from any fault
        # Places only: messages of database errors carry the row.
        where = traceback.format_tb(failed.__traceback__)[-3:]
        logger().error("ussd_hop_failed", error=type(failed).__name__, where=where)
        return UNSURE if served else UNAVAILABLE
    doors().doorbell.ring(*reply.ring)
    return reply


def _read() -> Hop | None:
    """The hop, or None for whatever is not one of the gateway's callbacks for our code."""
    form = _form()
    if any(name not in form for name in _HOP_FIELDS):
        return None
    asked = Hop(form["sessionId"], form["phoneNumber"], form["serviceCode"], form["text"])
    is_ours = (
        _SESSION_ID.fullmatch(asked.session_id) is not None
        and is_e164(asked.msisdn)
        and asked.service_code in doors().settings.ussd_service_codes
        and len(asked.text) <= TEXT_LENGTH_MAX
    )
    return asked if is_ours else None


def _form() -> dict[str, str]:
    """The form's fields, decoded once; empty where any is given twice or the body is no form."""
    request.max_content_length = BODY_BYTES_MAX
    try:
        lists = request.form.to_dict(flat=False)
    except HTTPException:
        return {}
    if request.files or any(len(values) != 1 for values in lists.values()):
        return {}
    return {name: values[0] for name, values in lists.items()}


def _count(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None
