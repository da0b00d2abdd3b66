"""The page, its files, and the few things that it may do to this machine.

Everything is under `/sandbox/`. Every request must name a loopback host, so that no foreign name
that resolves to us is answered, and every write must carry the header `X-Sandbox: 1`, which no
foreign page can send without asking first. A refusal is JSON: `{"error": sentence}`.

    GET  /sandbox/phone            the page
    GET  /sandbox/static/<file>    its files
    GET  /sandbox/start            what never changes while the page is open, see `start`
    GET  /sandbox/feed             what Baraza did, see `app.phone_page.feed`
    POST /sandbox/do/<act>         something breaks, see `do`
    any  /sandbox/network/<path>   relayed to Africa's Talking's stand-in, and
    any  /sandbox/mpesa/<path>     to Safaricom's, see `app.phone_page.relay`

`start` answers

    {"sacco": "Baraza SACCO",
     "service_code": "*384*2025#",
     "septets_max": 160,
     "staff_url": "/staff" or null,
     "networks": [{"code": "63902", "name": "Safaricom"}, ...],
     "people": [{"phone": "+254712345678", "name": "Wanjiru Kamau", "language": "en",
                 "pin": "4071" or null,
                 "note": "KES 50,000.00 in savings",      what is special about her, one sentence
                 "id_digits": "3344" or null}, ...],
     "timers_s": {"resend_after": [2, 10, 30], "ask_after": [10, 20, 40], "doubt_after": 15,
                  "notice_after": 20},                    as Baraza is set up just now
     "acts": [{"name": "kill-pay",                        POST /sandbox/do/kill-pay
               "title": "Kill the payout worker",
               "happens": "SIGKILL, in the middle of whatever it does.",
               "must_be_seen": "It is back within a second; nothing is paid twice.",
               "group": "kill" or "world"}, ...]}

`do` has no body. It answers `{"done": "The payout worker (process 4711) was killed."}`, 404 for an
act that does not exist, 409 with `error` when there is nothing to do it to. Acts: kill-pay,
kill-money, kill-talk, kill-clock, kill-parent, wipe-redis, stop-withdrawals, resume-withdrawals,
forge-result, clear-faults.

The page marks what tests read by `data-testid`: screen, reply, key-0 to key-9, key-star, key-hash,
key-clear, dial, hangup, member, network, countdown, septets, signal-drop, signal-slow,
signal-lose, signal-twice, signal-resend, inbox, sms (each), saga-state, saga-reference, saga-step
(each, with `data-step` and `data-status`), waits, timeline, money-sentence, balance-savings,
balance-transit, balance-mpesa, ledger, lamp (with `data-green="true"` or `"false"`), mpesa-knows,
fault-<name>, armed-fault (each), magic-<ending>, act-<act>, tour, tour-chapter-<n>, tour-step
(each, with `data-done`), tour-do-it, banner.
"""

from http import HTTPStatus

from flask import Blueprint, Flask, Response, jsonify, render_template, request

from app import playground
from app.db import DatabaseAway
from app.operations.context import context
from app.phone_page import acts, feed, people, relay
from app.phone_page.answers import Answer, no
from app.playground import host_name, is_loopback

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' data:; font-src 'self'; form-action 'none'; frame-ancestors 'none';"
    " base-uri 'none'"
)
HEADER = "X-Sandbox"
SEPTETS_MAX = 160
NETWORKS = (("63902", "Safaricom"), ("63903", "Airtel"), ("63907", "Telkom"))
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host")

bp = Blueprint(
    "phone_page",
    __name__,
    url_prefix="/sandbox",
    template_folder="templates",
    static_folder="static",
)


def register(app: Flask) -> None:
    """Mount the page on an application whose belongings (`app.operations.context`) are in place.

    Call it only where it fits (`app.playground`).
    """
    assert playground.fits(context(app).settings)
    app.extensions[feed.EXTENSION] = feed.Feed(context(app))
    app.register_blueprint(bp)


@bp.before_request
def _guard() -> Answer | None:
    if not is_loopback(host_name(request.host)) or any(map(request.headers.get, _FORWARDED)):
        return no("this page is for the machine that it runs on", HTTPStatus.FORBIDDEN)
    if request.method not in {"GET", "HEAD"} and request.headers.get(HEADER) != "1":
        return no(f"a change needs the header {HEADER}: 1", HTTPStatus.FORBIDDEN)
    return None


@bp.after_request
def _protect(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-cache" if request.endpoint == _STATIC else "no-store"
    return response


_STATIC = f"{bp.name}.static"


@bp.errorhandler(DatabaseAway)
def _away(_: DatabaseAway) -> Answer:
    return no("PostgreSQL does not answer; nothing is lost", HTTPStatus.SERVICE_UNAVAILABLE)


@bp.get("/phone")
def page() -> str:
    """The page itself."""
    return render_template("phone.html", sacco=context().settings.sacco_name)


@bp.get("/start")
def start() -> Response:
    """What never changes while the page is open."""
    settings = context().settings
    with context().db.transaction() as tx:
        known = people.known(tx)
    return jsonify(
        sacco=settings.sacco_name,
        service_code=settings.ussd_service_codes[0],
        septets_max=SEPTETS_MAX,
        staff_url="/staff" if settings.staff_pages else None,
        networks=[{"code": code, "name": name} for code, name in NETWORKS],
        people=known,
        timers_s={
            "resend_after": settings.payout_resend_after_s,
            "ask_after": settings.payout_ask_after_s,
            "doubt_after": settings.payout_doubt_after_s,
            "notice_after": settings.payout_notice_after_s,
        },
        acts=acts.described(),
    )


@bp.get("/feed")
def told() -> Answer | Response:
    """What Baraza did for one member."""
    return feed.answer()


@bp.post("/do/<act>")
def do(act: str) -> Answer | Response:
    """Break something, or put it right again."""
    return acts.do(act)


@bp.route("/network/<path:path>", methods=relay.METHODS)
def network(path: str) -> Answer | Response:
    """On to Africa's Talking's stand-in."""
    return relay.pass_on(relay.NETWORK, f"/{path}")


@bp.route("/mpesa/<path:path>", methods=relay.METHODS)
def mpesa(path: str) -> Answer | Response:
    """On to Safaricom's stand-in."""
    return relay.pass_on(relay.MPESA, f"/{path}")
