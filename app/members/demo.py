"""Two hundred members to try things with, and a tariff. Play money: production refuses it."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from app import ids
from app.db import Tx
from app.errors import Refused
from app.ledger import entries, posting
from app.members import directory
from app.members.directory import Language
from app.members.pins import Pins
from app.money import shillings

MEMBERS = 200
SEED = 2025
MEMBERS_WITH_PIN = 10
"""Hashing all would take seconds. Those after the two named ones share the first one's PIN."""
FLOAT_SHILLINGS = 10_000_000
IN_FORCE_FROM = date(2025, 1, 1)

# From, to and fee in shillings: a bank's table of 2023, before excise duty.
_TARIFF = (
    (50, 100, 10), (101, 500, 11), (501, 1_000, 15), (1_001, 1_500, 18), (1_501, 2_500, 25),
    (2_501, 3_500, 35), (3_501, 5_000, 47), (5_001, 7_500, 57), (7_501, 20_000, 67),
    (20_001, 250_000, 70),
)  # fmt: skip
_EXCISE_BASIS_POINTS = 1_500
_MINIMUM, _MAXIMUM, _DAILY = 50, 250_000, 500_000

_FIRST_NAMES = (
    "Achieng", "Akinyi", "Amina", "Atieno", "Baraka", "Chebet", "Cherono", "Faraja", "Fatuma",
    "Grace", "Halima", "Hassan", "Imani", "Jabali", "Juma", "Kamau", "Kiprono", "Kipchumba",
    "Lulu", "Makena", "Mercy", "Mwende", "Nafula", "Naliaka", "Neema", "Njeri", "Nyambura",
    "Omari", "Otieno", "Pendo", "Rehema", "Salim", "Subira", "Tumaini", "Wairimu", "Wambui",
    "Wanjiru", "Yusuf", "Zawadi", "Zuhura",
)  # fmt: skip
_FAMILY_NAMES = (
    "Abdi", "Barasa", "Cheruiyot", "Gitau", "Juma", "Kariuki", "Kimani", "Kiptoo", "Koech",
    "Maina", "Mbugua", "Mohamed", "Muriuki", "Musyoka", "Mutua", "Mwangi", "Ndung'u", "Njoroge",
    "Nyong'o", "Ochieng", "Odhiambo", "Okoth", "Omondi", "Onyango", "Owino", "Rotich", "Simiyu",
    "Wafula", "Wanjala", "Were",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Person:
    name: str
    msisdn: str
    language: Language
    savings_shillings: int
    pin: str | None


_NAMED = (
    _Person("Wanjiru Kamau", "+254712345678", "en", 50_000, "4071"),
    _Person("Juma Hassan", "+254722345679", "sw", 20_000, "5193"),
)


def is_empty(tx: Tx) -> bool:
    """Whether there is no member yet."""
    return not tx.scalar(sa.text("SELECT EXISTS (SELECT FROM member)"))


def seed(tx: Tx, pins: Pins, *, production: bool) -> None:
    """Make the demo's members with savings, a float, a tariff and limits. Always the same ones.

    Raises:
        Refused: in production, or where there are members already.
    """
    if production:
        raise Refused("demo data is never made in production")
    if not is_empty(tx):
        raise Refused("demo data is only made in an empty database")
    price_list(tx)
    accounts = {}
    people = _people()
    for number, person in enumerate(people, start=1):
        member_id = directory.add(
            tx,
            member_no=f"M{number:05d}",
            name=person.name,
            msisdn=person.msisdn,
            language=person.language,
        )
        accounts[member_id] = directory.open_savings(tx, member_id)
    by_id = dict(zip(accounts, people, strict=True))
    _open_books(tx, [(accounts[i], p.savings_shillings) for i, p in by_id.items()])
    _set_pins(tx, pins, {i: p.pin for i, p in by_id.items() if p.pin is not None})


def _people() -> list[_Person]:
    chance = random.Random(SEED)  # noqa: S311 - the same people every time
    people = list(_NAMED)
    taken = {person.msisdn for person in people}
    while len(people) < MEMBERS:
        msisdn = f"+2547{chance.choice('0129')}{chance.randrange(10**7):07d}"
        if msisdn in taken:
            continue
        taken.add(msisdn)
        name = f"{chance.choice(_FIRST_NAMES)} {chance.choice(_FAMILY_NAMES)}"
        language: Language = "sw" if chance.random() < 0.5 else "en"  # noqa: PLR2004 - half of them
        savings = chance.randrange(200, 150_000)
        pin = _NAMED[0].pin if len(people) < MEMBERS_WITH_PIN else None
        people.append(_Person(name, msisdn, language, savings, pin))
    return people


def price_list(tx: Tx) -> None:
    """A tariff, the excise rate and limits, in force since 2025."""
    tariff = tx.scalar(
        sa.text("INSERT INTO tariff (effective_from) VALUES (:since) RETURNING id"),
        {"since": IN_FORCE_FROM},
    )
    tx.execute(
        sa.text(
            "INSERT INTO tariff_band (tariff_id, from_cents, to_cents, fee_cents)"
            " VALUES (:tariff, :low, :high, :fee)"
        ),
        [
            {"tariff": tariff, "low": shillings(a), "high": shillings(b), "fee": shillings(c)}
            for a, b, c in _TARIFF
        ],
    )
    tx.execute(
        sa.text("INSERT INTO excise_rate VALUES (:since, :rate)"),
        {"since": IN_FORCE_FROM, "rate": _EXCISE_BASIS_POINTS},
    )
    tx.execute(
        sa.text("INSERT INTO withdrawal_limit VALUES (:since, :low, :high, :daily)"),
        {
            "since": IN_FORCE_FROM,
            "low": shillings(_MINIMUM),
            "high": shillings(_MAXIMUM),
            "daily": shillings(_DAILY),
        },
    )


def _open_books(tx: Tx, savings: list[tuple[int, int]]) -> None:
    at: datetime
    at, today = tx.execute(
        sa.text("SELECT now(), (now() AT TIME ZONE 'Africa/Nairobi')::date")
    ).one()
    top_up = entries.float_top_up(
        entry_id=ids.uuid7(at),
        effective_on=today,
        reference="demo float",
        cents=shillings(FLOAT_SHILLINGS),
    )
    brought = [
        entries.opening_balance(
            entry_id=ids.uuid7(at),
            effective_on=today,
            reference="demo opening balance",
            account=account,
            cents=shillings(amount),
        )
        for account, amount in savings
    ]
    posting.post_many(tx, [top_up, *brought])


def _set_pins(tx: Tx, pins: Pins, chosen: dict[int, str]) -> None:
    # Argon2 lets other threads run, so the few hashes take the time of half as many.
    with ThreadPoolExecutor(max_workers=4) as pool:
        hashes = list(pool.map(pins.hash, chosen, chosen.values()))
    tx.execute(
        sa.text("UPDATE member SET pin_hash = :hash WHERE id = :member"),
        [
            {"member": member, "hash": pin_hash}
            for member, pin_hash in zip(chosen, hashes, strict=True)
        ],
    )
