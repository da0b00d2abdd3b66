"""The outbox under test: members, a gateway that answers from a script, and what the rows say."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import sqlalchemy as sa

from app import clock, ids
from app.db import Database, Tx
from app.members import directory
from app.messages import outbox
from app.messages.sending import StartPins
from app.providers.africastalking import Sms
from tests.support.http_script import Act, Reply, ScriptedServer, scripted_server

PATH = "/version1/messaging"
READ_TIMEOUT_S = 0.5


def accepted(message_id: str = "ATXid_1") -> Reply:
    return answer(101, "Success", message_id)


def answer(code: int, status: str, message_id: str = "None") -> Reply:
    recipient = {"statusCode": code, "status": status, "messageId": message_id}
    body = {"SMSMessageData": {"Message": "", "Recipients": [recipient]}}
    return Reply(201, json.dumps(body).encode())


BLACKLISTED = answer(406, "UserInBlacklist")
NO_CREDIT = answer(405, "InsufficientBalance")


def counts(**given: int) -> dict[str, int]:
    return {"accepted": 0, "failed": 0, "again": 0, "late": 0, **given}


def no_start_pins(_tx: Tx, _numbers: Mapping[int, str]) -> Mapping[int, str]:
    """Nobody has one."""
    return {}


@contextmanager
def sms_to(gateway: ScriptedServer) -> Iterator[Sms]:
    """Our client of this gateway."""
    made = Sms(
        base_url=gateway.url,
        username="sandbox",
        api_key="k",
        sender_id="BARAZA",
        read_timeout_s=READ_TIMEOUT_S,
    )
    yield made
    made.close()


@dataclass(frozen=True)
class Texting:
    """One outbox and one gateway."""

    db: Database
    gateway: ScriptedServer
    sms: Sms
    start_pins: StartPins = no_start_pins

    def answers(self, *acts: Act) -> None:
        """What the gateway does from now on; the last of these for ever."""
        self.gateway.on(PATH, *acts)

    def calls(self) -> list[dict[str, str]]:
        """The fields of every request that the gateway got."""
        seen = [parse_qs(request.body.decode()) for request in self.gateway.seen(PATH)]
        return [{name: values[0] for name, values in one.items()} for one in seen]

    def texts(self) -> list[str]:
        """What members would read."""
        return [call["message"] for call in self.calls()]

    def member(self, msisdn: str, *, language: directory.Language = "en") -> int:
        """A new member with this number. Returns her id."""
        with self.db.transaction() as tx:
            return directory.add(
                tx, member_no=f"M{msisdn[-5:]}", name="Wanjiku", msisdn=msisdn, language=language
            )

    def queue(
        self,
        member: int,
        msisdn: str,
        kind: str = "pin_locked",
        facts: Mapping[str, Any] | None = None,
        *,
        key: UUID | None = None,
    ) -> UUID:
        """Queue one SMS; about a locked PIN unless told otherwise, which needs no payout."""
        key = key or ids.uuid7(clock.now())
        with self.db.transaction() as tx:
            outbox.queue(
                tx,
                kind,
                message_id=key,
                member_id=member,
                msisdn=msisdn,
                language="en",
                facts={"time": clock.now(), "tries": 3} if facts is None else facts,
            )
        return key

    def send(self, *, worker: str = "w1", limit: int = outbox.BATCH_MAX) -> dict[str, int]:
        """Send what is due, as the job does."""
        return outbox.send_due(
            self.db, self.sms, worker=worker, limit=limit, start_pins=self.start_pins
        )

    def row(self, message_id: UUID) -> Any:
        """The message as it is now; `due_in` is how long it still waits."""
        with self.db.transaction() as tx:
            query = sa.text("SELECT *, due_at - now() AS due_in FROM message WHERE id = :id")
            return tx.execute(query, {"id": message_id}).one()

    def write(self, statement: str, **facts: Any) -> None:
        """Change something in the database."""
        with self.db.transaction() as tx:
            tx.execute(sa.text(statement), facts)

    def make_due(self) -> None:
        """As if all waiting were over."""
        self.write("UPDATE message SET due_at = now() WHERE due_at IS NOT NULL")

    def probe_time(self) -> None:
        """As if the pause's next probe were due."""
        self.write("UPDATE sms_pause SET probe_at = now()")

    def value(self, query: str, **facts: Any) -> Any:
        """The first value that a query finds."""
        with self.db.transaction() as tx:
            return tx.scalar(sa.text(query), facts)


@contextmanager
def texting(db: Database) -> Iterator[Texting]:
    """An outbox whose gateway takes everything until told otherwise."""
    with scripted_server() as gateway, sms_to(gateway) as sms:
        made = Texting(db, gateway, sms)
        made.answers(accepted())
        yield made
