"""Two hundred members to try things with, and a tariff. Play money: production refuses it.

| number | what is special | PIN |
|---|---|---|
| M00001 | English, KES 50,000 | 4071 |
| M00002 | Swahili, KES 20,000 | 5193 |
| M00003 | two accounts | 4071 |
| M00004 | a start PIN is out; the ID on file ends in 0004 | by SMS |
| M00005 | dormant | 4071 |
| M00006 | joint mandate | 4071 |
| M00007 | court's lien | 4071 |
| M00008 to M00010 | nothing | 4071 |

The ID of every member ends in the four digits of her number; of the first two in 3344 and 7788.
"""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, time

import sqlalchemy as sa

from app import ids
from app.db import Tx
from app.errors import Refused
from app.ledger import entries, posting
from app.members import directory
from app.members.directory import Language
from app.members.pins import Pins, issue_starts
from app.money import shillings

MEMBERS = 200
SEED = 2025
MEMBERS_WITH_PIN = 10
"""Hashing all would take seconds. Those after the two named ones share the first one's PIN."""
WITH_START_PIN = "M00004"
_IDS_OF_THE_NAMED = ("3344", "7788")
_HOLIDAY_SHILLINGS = 12_500
_START_PIN_VALID_H = 720
FLOAT_SHILLINGS = 50_000_000
IN_FORCE_FROM = date(2025, 1, 1)

# From, to and fee in shillings: a bank's table of 2023, before excise duty.
_TARIFF = (
    (50, 100, 10), (101, 500, 11), (501, 1_000, 15), (1_001, 1_500, 18), (1_501, 2_500, 25),
    (2_501, 3_500, 35), (3_501, 5_000, 47), (5_001, 7_500, 57), (7_501, 20_000, 67),
    (20_001, 250_000, 70),
)  # fmt: skip
_EXCISE_BASIS_POINTS = 1_500
# Generous, and in quiet hours still above what the demo's stories draw: they must end as they
# should at any hour of any day.
_LIMITS = {
    "minimum_cents": shillings(50),
    "maximum_cents": shillings(250_000),
    "daily_cents": shillings(500_000),
    "sacco_hourly_cents": shillings(5_000_000),
    "sacco_daily_cents": shillings(20_000_000),
    "night_from": time(22),
    "night_to": time(5),
    "quiet_holidays": True,
    "before_long_weekend_hours": 12,
    "quiet_maximum_cents": shillings(100_000),
    "quiet_sacco_hourly_cents": shillings(2_000_000),
    "after_change_wait_hours": 24,
    "after_change_low_hours": 72,
    "after_change_maximum_cents": shillings(5_000),
    "after_change_daily_cents": shillings(10_000),
}

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

    Only the database's owner may: prices and limits are not the application's to set.

    Raises:
        Refused: in production, or where there are members already.
    """
    if production:
        raise Refused("demo data is never made in production")
    if not is_empty(tx):
        raise Refused("demo data is only made in an empty database")
    price_list(tx)
    accounts: dict[int, int] = {}
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
    _put_ids_on_file(tx, pins, list(by_id))
    _make_special(tx, list(by_id))


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
    """A tariff, the excise rate and limits, in force since 2025. Only the owner may set them."""
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
        sa.text("INSERT INTO excise_rate (effective_from, basis_points) VALUES (:since, :rate)"),
        {"since": IN_FORCE_FROM, "rate": _EXCISE_BASIS_POINTS},
    )
    tx.execute(
        sa.text(
            f"INSERT INTO withdrawal_limit (effective_from, {', '.join(_LIMITS)})"  # noqa: S608 - constants
            f" VALUES (:since, {', '.join(f':{name}' for name in _LIMITS)})"
        ),
        {"since": IN_FORCE_FROM, **_LIMITS},
    )


def _open_books(tx: Tx, savings: list[tuple[int, int]]) -> None:
    at, today = _now(tx)
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


def _put_ids_on_file(tx: Tx, pins: Pins, members: list[int]) -> None:
    digits = [*_IDS_OF_THE_NAMED, *(f"{number:04d}" for number in range(3, MEMBERS + 1))]
    tx.execute(
        sa.text("UPDATE member SET id_check = :proof WHERE id = :member"),
        [
            {"member": member, "proof": pins.id_check(member, theirs)}
            for member, theirs in zip(members, digits, strict=True)
        ],
    )


def _make_special(tx: Tx, members: list[int]) -> None:
    """One member for each case that a person may want to see."""
    two_accounts, with_start_pin, dormant, joint, lien = members[2:7]
    holiday = directory.open_savings(tx, two_accounts, name="Holiday")
    at, today = _now(tx)
    entry = entries.opening_balance(
        entry_id=ids.uuid7(at),
        effective_on=today,
        reference="demo opening balance",
        account=holiday,
        cents=shillings(_HOLIDAY_SHILLINGS),
    )
    posting.post_many(tx, [entry])
    issue_starts(tx, [with_start_pin], valid_h=_START_PIN_VALID_H)
    for what, member in (
        ("pin_hash = NULL", with_start_pin),
        ("status = 'dormant'", dormant),
        ("mandate = 'joint'", joint),
        ("status = 'court_lien'", lien),
    ):
        tx.execute(sa.text(f"UPDATE member SET {what} WHERE id = :id"), {"id": member})  # noqa: S608


def _now(tx: Tx) -> tuple[datetime, date]:
    """The time of the database transaction, and the day that it is in Nairobi."""
    row = tx.execute(sa.text("SELECT now(), (now() AT TIME ZONE 'Africa/Nairobi')::date")).one()
    return row[0], row[1]


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
