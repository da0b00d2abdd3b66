"""Who must be told of an incident, and how soon after the SACCO became aware of it. Pure.

The hours are what could be found out about Kenya's rules; whether one of them binds, and what it
asks for in the case at hand, is for counsel to say. A clock that runs binds nobody to send.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

SASRA_H = 12
"""The supervisor of SACCOs wants attacks, and attempts at one, reported within half a day. By its
memo of July 2023 on vendors' platforms, of which the press told; get the circular itself."""
CBK_H = 24
"""The Central Bank's guidelines on cybersecurity for payment service providers, July 2019, want
incidents within a day. They reach those who process for such a provider; counsel must say whether
whoever runs this installation is one."""
CONTROLLER_H = 48
"""Data Protection Act 2019, section 43: who processes data for somebody else tells them within two
days."""
ODPC_H = 72
"""The same section: the controller, which the SACCO is, tells the Data Commissioner within three
days of becoming aware, where there is a real risk of harm to those whose data it is."""


class Told(StrEnum):
    """Who is to be told. The names stay in the database for ever."""

    SASRA = "sasra"
    CBK = "cbk"
    CONTROLLER = "controller"
    ODPC = "odpc"


@dataclass(frozen=True, slots=True)
class Clock:
    """One of the times within which somebody is to be told."""

    told: Told
    title: str
    """Whom, in English."""
    hours: int


CLOCKS = (
    Clock(Told.SASRA, "SASRA", SASRA_H),
    Clock(Told.CBK, "Central Bank of Kenya", CBK_H),
    Clock(Told.CONTROLLER, "The SACCO, by whoever runs Baraza for it", CONTROLLER_H),
    Clock(Told.ODPC, "Data Commissioner (ODPC), by the SACCO", ODPC_H),
)
"""All of them, the shortest first."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Somebody was told."""

    told: Told
    sent_at: datetime
    reference: str
    by: str
    """The e-mail of who wrote it down."""


@dataclass(frozen=True, slots=True)
class Running:
    """A clock as it stands for one incident."""

    clock: Clock
    due_at: datetime
    notice: Notice | None
    """The first one that was sent."""

    def is_late(self, now: datetime) -> bool:
        """Whether the notice went out after its time, or is still missing after it."""
        return (self.notice.sent_at if self.notice else now) > self.due_at


def running(
    aware_at: datetime, notices: tuple[Notice, ...], *, personal_data: bool, cbk_applies: bool
) -> list[Running]:
    """The clocks that run from the moment at which the SACCO became aware."""
    runs = {Told.SASRA}
    if personal_data:
        runs |= {Told.CONTROLLER, Told.ODPC}
    if cbk_applies:
        runs.add(Told.CBK)
    return [
        Running(clock, aware_at + timedelta(hours=clock.hours), _first(notices, clock.told))
        for clock in CLOCKS
        if clock.told in runs
    ]


def _first(notices: tuple[Notice, ...], told: Told) -> Notice | None:
    return min(
        (one for one in notices if one.told is told), key=lambda one: one.sent_at, default=None
    )
