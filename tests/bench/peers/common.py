"""What all peers share: the work itself, and how it is timed.

The work is the same for each: debit in one database transaction, ask M-PESA, wait for its result at
an address of ours, settle in another transaction, send the receipt. A peer adds only how these
steps are strung together and what happens between them.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import psutil
import requests
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

AMOUNT_CENTS = 35_000
SAVINGS_CENTS = 1_000_000
TRANSIT, FLOAT = 1, 2
"""The SACCO's own accounts; members' come after them."""
DONE_S_MAX = 1800
SCHEMA = """
DROP SCHEMA IF EXISTS peer CASCADE;
CREATE SCHEMA peer;
CREATE TABLE peer.account (id bigint PRIMARY KEY, balance_cents bigint NOT NULL);
CREATE TABLE peer.entry (id uuid PRIMARY KEY, payout_id uuid NOT NULL, kind text NOT NULL,
                         at timestamptz NOT NULL DEFAULT clock_timestamp(),
                         UNIQUE (payout_id, kind));
CREATE TABLE peer.posting (entry_id uuid NOT NULL REFERENCES peer.entry, account_id bigint NOT NULL,
                           cents bigint NOT NULL, PRIMARY KEY (entry_id, account_id));
CREATE TABLE peer.payout (id uuid PRIMARY KEY, account_id bigint NOT NULL REFERENCES peer.account,
                          msisdn text NOT NULL, amount_cents bigint NOT NULL,
                          state text NOT NULL DEFAULT 'requested', receipt text,
                          debited_at timestamptz, settled_at timestamptz, told_at timestamptz);
"""
_LINE = sa.text(
    "INSERT INTO peer.posting VALUES (:entry, :debit, :cents), (:entry, :credit, -:cents)"
)


@dataclass(frozen=True, slots=True)
class Given:
    """Where everything is. Children find it in the environment."""

    database_url: str
    redis_url: str
    simulator: str
    door: str
    """The base of our address that results come to."""

    @classmethod
    def from_environment(cls) -> "Given":
        """As `peer` has set it."""
        return cls(**json.loads(os.environ["PEER"]))


@cache
def given() -> Given:
    """This process's own."""
    return Given.from_environment()


@cache
def sessions() -> "sessionmaker[Session]":
    """One engine a process, as everybody does."""
    return sessionmaker(
        sa.create_engine(given().database_url, pool_size=16), expire_on_commit=False
    )


@cache
def http() -> requests.Session:
    """Connections are kept open."""
    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=32))
    return session


def debit(tx: Any, key: str) -> None:
    """Savings to payouts in transit, guarded. `tx` is a session or a connection."""
    payout = tx.execute(
        sa.text(
            "SELECT account_id, amount_cents, state FROM peer.payout WHERE id = :id FOR UPDATE"
        ),
        {"id": key},
    ).one()
    if payout.state != "requested":
        return
    held = tx.execute(
        sa.text(
            "UPDATE peer.account SET balance_cents = balance_cents - :cents"
            " WHERE id = :id AND balance_cents >= :cents"
        ),
        {"id": payout.account_id, "cents": payout.amount_cents},
    )
    assert held.rowcount == 1, "not covered"
    _post(tx, key, "reserve", (payout.account_id, TRANSIT), payout.amount_cents)
    tx.execute(
        sa.text(
            "UPDATE peer.payout SET state = 'reserved', debited_at = clock_timestamp()"
            " WHERE id = :id"
        ),
        {"id": key},
    )


def pay(key: str, result_url: str) -> None:
    """Ask M-PESA, under the payout's one id."""
    with sessions()() as session:
        payout = session.execute(
            sa.text("SELECT msisdn, amount_cents FROM peer.payout WHERE id = :id"), {"id": key}
        ).one()
    answer = http().post(
        f"{given().simulator}/mpesa/b2c/v3/paymentrequest",
        json={
            "OriginatorConversationID": key,
            "Amount": str(payout.amount_cents // 100),
            "PartyB": payout.msisdn,
            "ResultURL": result_url,
        },
        timeout=25,
    )
    answer.raise_for_status()


def settle(tx: Any, key: str, receipt: str) -> None:
    """Payouts in transit to the float, once."""
    payout = tx.execute(
        sa.text("SELECT amount_cents, state FROM peer.payout WHERE id = :id FOR UPDATE"),
        {"id": key},
    ).one()
    if payout.state == "paid":
        return
    _post(tx, key, "settle", (TRANSIT, FLOAT), payout.amount_cents)
    tx.execute(
        sa.text(
            "UPDATE peer.payout SET state = 'paid', receipt = :receipt,"
            " settled_at = clock_timestamp() WHERE id = :id"
        ),
        {"id": key, "receipt": receipt},
    )


def tell(key: str) -> None:
    """Send the receipt, and note that the gateway took it."""
    with sessions().begin() as session:
        msisdn = session.execute(
            sa.text("SELECT msisdn FROM peer.payout WHERE id = :id"), {"id": key}
        ).scalar_one()
        answer = http().post(
            f"{given().simulator}/version1/messaging",
            data={"username": "sacco", "to": msisdn, "message": f"{key} paid"},
            timeout=25,
        )
        answer.raise_for_status()
        session.execute(
            sa.text("UPDATE peer.payout SET told_at = clock_timestamp() WHERE id = :id"),
            {"id": key},
        )


def receipt_in(body: Any) -> str:
    """The receipt of a result callback."""
    return str(body["Result"]["TransactionID"])


def _post(tx: Any, key: str, kind: str, lines: tuple[int, int], cents: int) -> None:
    entry = str(uuid.uuid4())
    tx.execute(
        sa.text("INSERT INTO peer.entry (id, payout_id, kind) VALUES (:id, :payout, :kind)"),
        {"id": entry, "payout": key, "kind": kind},
    )
    tx.execute(
        _LINE,
        {"entry": entry, "debit": lines[0], "credit": lines[1], "cents": cents},
    )


class Peer:
    """One run: the rows, the processes, the clock."""

    def __init__(self, payouts: int) -> None:
        self.payouts = payouts
        self.keys = [str(uuid.uuid4()) for _ in range(payouts)]
        self._processes: list[subprocess.Popen[bytes]] = []
        with sessions().begin() as session:
            session.execute(sa.text(SCHEMA))
            session.execute(sa.text("INSERT INTO peer.account VALUES (1, 0), (2, 0)"))
            rows = [
                {"id": key, "account": 10 + n, "msisdn": f"2547{20_000_000 + n}"}
                for n, key in enumerate(self.keys)
            ]
            session.execute(
                sa.text("INSERT INTO peer.account VALUES (:account, :savings)"),
                [{**row, "savings": SAVINGS_CENTS} for row in rows],
            )
            session.execute(
                sa.text(
                    "INSERT INTO peer.payout (id, account_id, msisdn, amount_cents)"
                    " VALUES (:id, :account, :msisdn, :amount)"
                ),
                [{**row, "amount": AMOUNT_CENTS} for row in rows],
            )
        self._commits_before = self._commits()

    def start(self, *command: str) -> None:
        """Start one of the peer's processes."""
        self._processes.append(
            subprocess.Popen(command, stdout=sys.stderr, stderr=sys.stderr, start_new_session=True)
        )

    def serve(self, application: str) -> None:
        """Serve the door for results: one process, one thread, as Baraza's own."""
        port = given().door.rsplit(":", 1)[1]
        self.start(
            sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1",
            "--port", port, "--workers", "1", "--blocking-threads", "1", "--no-log", application,
        )  # fmt: skip
        wait_for_port(int(port))

    def wait(self) -> None:
        """Until all are told."""
        until = time.monotonic() + DONE_S_MAX
        while left := self._left():
            if time.monotonic() > until:
                raise SystemExit(f"{left} payouts are not done")
            time.sleep(0.2)

    def found(self) -> dict[str, float]:
        """The figures. Exits if anything was lost, doubled or made."""
        with sessions()() as session:
            seconds = session.execute(
                sa.text(
                    "SELECT extract(epoch FROM max(told_at) - min(debited_at))::float"
                    " FROM peer.payout"
                )
            ).scalar_one()
            off = session.execute(sa.text("SELECT sum(cents) FROM peer.posting")).scalar_one()
            entries = session.execute(sa.text("SELECT count(*) FROM peer.entry")).scalar_one()
        truth = requests.get(f"{given().simulator}/truth", timeout=10).json()
        told = (truth["paid"], truth["refused_twice"], truth["sms"])
        if told != (self.payouts, 0, self.payouts) or off or entries != 2 * self.payouts:
            raise SystemExit(f"not the work that was asked for: {truth}, {entries} entries, {off}")
        return {
            "payouts": self.payouts,
            "seconds": seconds,
            "payouts_per_s": self.payouts / seconds,
            "cpu_s": self._cpu_s(),
            "commits": self._commits() - self._commits_before,
        }

    def stop(self) -> None:
        """End what was started, with its children."""
        family = []
        for process in self._processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                family += [psutil.Process(process.pid), *psutil.Process(process.pid).children(True)]
        for number in (signal.SIGTERM, signal.SIGKILL):
            for one in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.send_signal(number)
            _, family = psutil.wait_procs(family, timeout=5)
        for process in self._processes:
            process.wait(5)

    def _left(self) -> int:
        with sessions()() as session:
            query = sa.text("SELECT count(*) FROM peer.payout WHERE told_at IS NULL")
            return int(session.execute(query).scalar_one())

    def _commits(self) -> int:
        with sessions()() as session:
            query = sa.text("SELECT pg_current_xact_id()::text::bigint")
            return int(session.execute(query).scalar_one())

    def _cpu_s(self) -> float:
        """Of all the peer's own processes, this one among them."""
        spent = sum(psutil.Process().cpu_times()[:2])
        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                spent += sum(child.cpu_times()[:4])
        return spent


def wait_for_port(port: int) -> None:
    """Until somebody answers there."""
    until = time.monotonic() + 20
    while True:
        try:
            requests.get(f"http://127.0.0.1:{port}/", timeout=1)
        except requests.RequestException:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


@contextmanager
def peer() -> Iterator[Peer]:
    """Read the arguments, make the rows; afterwards stop everything and print the figures."""
    parser = argparse.ArgumentParser()
    for name in ("--database-url", "--redis-url", "--simulator", "--door"):
        parser.add_argument(name, required=True)
    parser.add_argument("--payouts", type=int, required=True)
    told = vars(parser.parse_args())
    payouts = told.pop("payouts")
    os.environ["PEER"] = json.dumps(told)
    one = Peer(payouts)
    try:
        yield one
        one.wait()
        found = one.found()
    finally:
        one.stop()
    print(json.dumps(found))  # noqa: T201 - what the harness reads
