"""`python -m app.sandbox.africastalking --port P --state DIR --ussd-url URL …`."""

from pathlib import Path

from app.sandbox import process
from app.sandbox.africastalking import panel
from app.sandbox.africastalking.behaviours import BEHAVIOURS, FACTS, PARAMS
from app.sandbox.africastalking.phones import Phones
from app.sandbox.africastalking.sessions import Limits
from app.sandbox.africastalking.sims import Sims
from app.sandbox.africastalking.sms import Customer, Messaging
from app.sandbox.courier import Courier
from app.sandbox.faults import Faults, Vocabulary
from app.sandbox.store import Store
from app.sandbox.web import Route, Server, as_json


def main() -> None:
    """Be Africa's Talking until SIGTERM."""
    process.leave_if_production()
    parser = process.parser("app.sandbox.africastalking", "A stand-in for Africa's Talking.")
    parser.add_argument("--ussd-url", required=True, help="gets every hop")
    parser.add_argument("--delivery-url", required=True, help="gets delivery reports")
    parser.add_argument("--insights-url", default="", help="gets SIM swap answers; empty: none")
    parser.add_argument("--end-url", default="", help="gets end-of-session notices; empty: none")
    parser.add_argument("--service-code", default="*384*2025#", help="what phones may dial")
    parser.add_argument("--idle", type=float, default=30, help="seconds a screen may stay open")
    parser.add_argument("--session", type=float, default=180, help="seconds a session may last")
    parser.add_argument("--patience", type=float, default=10, help="seconds a hop may take")
    given = parser.parse_args()

    store = Store(given.state / "africastalking.sqlite3", Path(__file__).with_name("schema.sql"))
    courier = Courier(store)
    vocabulary = Vocabulary(behaviours=BEHAVIOURS, facts=FACTS, params=PARAMS)
    faults = Faults(store, vocabulary, cards=panel.cards(), magic=panel.MAGIC)
    messaging = Messaging(
        store=store, courier=courier, faults=faults, customer=Customer.of(),
        delivery_url=given.delivery_url, delay_s=given.delay, speed=given.speed,
    )  # fmt: skip
    sims = Sims(courier=courier, customer=Customer.of(), answer_url=given.insights_url)
    phones = Phones(
        ussd_url=given.ussd_url, end_url=given.end_url, service_code=given.service_code,
        limits=Limits(given.idle, given.session, given.patience),
    )  # fmt: skip
    health = Route("GET", "/health", lambda _: as_json({"ok": True}))
    routes = [health, *messaging.routes(), *phones.routes(), *sims.routes(), *faults.routes()]

    def begin() -> None:
        courier.start()
        phones.start()

    process.run(Server(given.port, routes), store, begin)


if __name__ == "__main__":
    main()
