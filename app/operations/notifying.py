"""Tells people of alerts, through every channel that the settings name.

Runs beside the timekeeper's ticks and not in a worker: that no worker runs, or that Redis is away,
is among the things that people must hear of. Any number of processes may do it.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Self

from app.config import Settings
from app.db import Database
from app.observability import logger
from app.operations import notice_texts, notices
from app.operations.notice_channels import Outcome, Phone, Webhook
from app.operations.notices import WEBHOOK, Notice
from app.providers.africastalking import Sms

EVERY_S = 5
POSTS_MAX = 10
"""In one wave; all of them end within their lease, however slow the other side is."""
GROUPED_MAX = 500


class Notifier:
    """One process's ways to people."""

    def __init__(
        self,
        db: Database,
        *,
        webhook: Webhook | None,
        phones: Mapping[str, Phone],
        patience_s: float,
        texts_per_h_max: int,
    ) -> None:
        """`phones` by channel: `phone N` hears of pages, `escalation N` of unacknowledged ones."""
        self._db, self._webhook, self._phones = db, webhook, phones
        self._patience_s, self._texts_max = patience_s, texts_per_h_max

    @classmethod
    def from_settings(cls, settings: Settings, db: Database, gateway: Sms) -> Self:
        """The channels that an installation's settings name; none is no error."""
        secret = settings.alert_webhook_secret.get_secret_value()
        hook = Webhook(settings.alert_webhook_url, secret) if settings.alert_webhook_url else None
        named = [
            *((f"phone {n}", one) for n, one in enumerate(settings.alert_phones, 1)),
            *(
                (f"escalation {n}", one)
                for n, one in enumerate(settings.alert_escalation_phones, 1)
            ),
        ]
        return cls(
            db,
            webhook=hook,
            phones={
                channel: Phone(gateway, number.get_secret_value()) for channel, number in named
            },
            patience_s=settings.alert_escalate_after_min * 60,
            texts_per_h_max=settings.alert_sms_per_h_max,
        )

    def round(self) -> None:
        """Write down what is to be told, then tell what is due."""
        hook = [WEBHOOK] if self._webhook else []
        first = [name for name in self._phones if name.startswith("phone")]
        later = [name for name in self._phones if name.startswith("escalation")]
        with self._db.transaction() as tx:
            notices.plan(tx, first=hook + first, later=hook + later, patience_s=self._patience_s)
        for channel, phone in self._phones.items():
            self._text(channel, phone)
        if self._webhook:
            self._post(self._webhook)

    def test(self) -> dict[str, Outcome]:
        """Tell every channel that this is a test. Nothing is kept."""
        told = {name: phone.tell(notice_texts.TEST_TEXT) for name, phone in self._phones.items()}
        if self._webhook:
            told[WEBHOOK] = self._webhook.tell({"kind": "test", "detail": notice_texts.TEST_TEXT})
        return told

    def _post(self, webhook: Webhook) -> None:
        with self._db.transaction() as tx:
            due = notices.claim(tx, WEBHOOK, limit=POSTS_MAX)
        for place, notice in enumerate(due):
            outcome = webhook.tell(notice_texts.body(notice))
            if not outcome.told:
                # The others would fare no better, and would make the wave last past its lease.
                self._record(WEBHOOK, due[place:], outcome)
                return
            self._record(WEBHOOK, [notice], outcome)

    def _text(self, channel: str, phone: Phone) -> None:
        with self._db.transaction() as tx:
            room = self._texts_max - notices.texts_last_hour(tx, channel)
            due = notices.claim(tx, channel, limit=GROUPED_MAX) if room > 0 else []
        texts = _texts(_by_rule(due), room=room)
        for place, (group, text) in enumerate(texts):
            outcome = phone.tell(text)
            if not outcome.told:
                left = [notice for others, _ in texts[place:] for notice in others]
                self._record(channel, left, outcome)
                return
            self._record(channel, group, outcome)

    def _record(self, channel: str, told: Sequence[Notice], outcome: Outcome) -> None:
        with self._db.transaction() as tx:
            if outcome.told:
                notices.sent(tx, told)
                return
            notices.failed(tx, told, reason=outcome.reason, for_good=outcome.for_good)
        logger().error("notice_not_sent", channel=channel, reason=outcome.reason)


def _texts(groups: Sequence[list[Notice]], *, room: int) -> list[tuple[list[Notice], str]]:
    """One text a rule; the last one that there is room for tells of all the rest."""
    alone = groups if len(groups) <= room else groups[: room - 1]
    left = [notice for group in groups[len(alone) :] for notice in group]
    texts = [(group, notice_texts.of_one_rule(group)) for group in alone]
    return [*texts, (left, notice_texts.of_many_rules(left))] if left else texts


def _by_rule(due: Sequence[Notice]) -> list[list[Notice]]:
    def of(notice: Notice) -> tuple[str, str]:
        return notice.rule, notice.kind

    return [list(group) for _, group in groupby(sorted(due, key=of), key=of)]
