"""`python -m app.sandbox.safaricom --port P --state DIR`."""

from pathlib import Path

from app.money import shillings
from app.sandbox import process
from app.sandbox.courier import Courier
from app.sandbox.faults import Faults, Vocabulary
from app.sandbox.safaricom import panel
from app.sandbox.safaricom.access import Access, Customer
from app.sandbox.safaricom.api import Api, Pace
from app.sandbox.safaricom.behaviours import BEHAVIOURS, FACTS, NOT_FOUND, PARAMS
from app.sandbox.safaricom.book import Book
from app.sandbox.safaricom.intruder import Intruder
from app.sandbox.safaricom.knows import Knowledge
from app.sandbox.safaricom.results import CHANGES
from app.sandbox.safaricom.statement import Portal
from app.sandbox.safaricom.truth import Truth
from app.sandbox.store import Store
from app.sandbox.web import Server


def main() -> None:
    """Be Safaricom until SIGTERM."""
    process.leave_if_production()
    parser = process.parser("app.sandbox.safaricom", "A stand-in for Safaricom's Daraja.")
    parser.add_argument(
        "--float", type=int, default=50_000_000, help="shillings in the account that pays out"
    )
    parser.add_argument(
        "--refused-status", choices=("Declined", NOT_FOUND), default="Declined",
        help="what a status query says of a payout that was refused",
    )  # fmt: skip
    given = parser.parse_args()

    customer = Customer.of()
    store = Store(given.state / "safaricom.sqlite3", Path(__file__).with_name("schema.sql"))
    access = Access(store, customer, given.state)
    courier = Courier(store)
    faults = Faults(
        store,
        Vocabulary(behaviours=BEHAVIOURS, facts=FACTS, params=PARAMS, changes=CHANGES),
        cards=panel.cards(),
        magic=panel.MAGIC,
    )
    book = Book(
        store,
        float_cents=shillings(given.float),
        shortcode=customer.shortcode,
        refused_status=given.refused_status,
    )
    api = Api(
        store=store, access=access, book=book, faults=faults, courier=courier,
        pace=Pace(delay_s=given.delay, speed=given.speed), shortcode=customer.shortcode,
    )  # fmt: skip
    truth = Truth(store=store, book=book, access=access, courier=courier)
    knowledge = Knowledge(store=store, book=book, courier=courier)
    portal = Portal(book=book, shortcode=customer.shortcode)
    doors = (api, truth, knowledge, portal, Intruder(store=store, book=book), faults)
    server = Server(given.port, [route for door in doors for route in door.routes()])
    process.run(server, store, courier.start)


if __name__ == "__main__":
    main()
