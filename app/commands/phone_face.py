"""The phone as a person sees it in a terminal: screen, inbox, what is typed, a live wait."""

import time
from dataclasses import dataclass, field

from rich.box import ROUNDED
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.spinner import Spinner
from rich.text import Text

from app.clock import nairobi
from app.commands.dial import newest
from app.commands.handset import Handset, NoService, Screen, Sms
from app.commands.keys import Keyboard, Line, keyboard

PHONE_WIDTH = 38
INBOX_WIDTH = 46
INBOX_SHOWN = 3
TICK_S = 0.1
POLL_S = 1.0
PUT_AWAY = "q"


@dataclass
class Inbox:
    """The phone's SMS, fetched now and then while something else goes on."""

    handset: Handset
    messages: list[Sms] = field(default_factory=list)
    _fetched_at: float = 0

    def refresh(self) -> list[Sms]:
        """Fetch if it is time to; return what is new."""
        if time.monotonic() - self._fetched_at < POLL_S:
            return []
        known = {sms.id for sms in self.messages}
        self.messages, self._fetched_at = self.handset.inbox(), time.monotonic()
        return [sms for sms in self.messages if sms.id not in known]


class Face:
    """Draws the phone and takes what is typed."""

    def __init__(self, console: Console, keys: Keyboard, inbox: Inbox) -> None:
        self._console = console
        self._keys = keys
        self._inbox = inbox
        self._spinner = Spinner("dots")

    def ask(self, screen: Screen) -> str | None:
        """Show the screen until a reply is sent. None: nothing more will be typed."""
        line = Line()
        with self._live() as live:
            while not (line.is_sent or line.is_closed):
                self._inbox.refresh()
                shown = screen.readable(line.text)
                live.update(self._beside_inbox(phone(screen, typed=shown, cursor="▌")))
                line.take(self._keys.read(within_s=TICK_S))
        if line.is_closed:
            return None
        # The lasting record: in the terminal's history a PIN is dots.
        self._console.print(phone(screen, typed=screen.readable(line.text)))
        return line.text

    def rest(self, screen: Screen, *, wait_s: float) -> bool:
        """After the last screen: wait for its SMS. True if the person wants to dial again."""
        self._console.print(phone(screen))
        until = time.monotonic() + wait_s
        expected = screen.promises_sms
        line = Line()
        with self._live() as live:
            while not line.is_sent and not line.is_closed and line.text != PUT_AWAY:
                for sms in self._inbox.refresh():
                    live.console.print(message(sms))
                    expected = False
                live.update(self._waiting(until) if expected else _DONE)
                line.take(self._keys.read(within_s=TICK_S))
        # Typed quickly, q and Enter arrive together: the q is meant.
        return line.is_sent and line.text != PUT_AWAY

    def _waiting(self, until: float) -> RenderableType:
        left_s = int(until - time.monotonic())
        if left_s > 0:
            self._spinner.update(text=f"Waiting for the SMS ({left_s} s)")
            return Group(self._spinner, _DONE)
        late = Text("No SMS yet. It comes when M-PESA has answered.", style="yellow")
        return Group(late, _DONE)

    def _beside_inbox(self, left: RenderableType) -> RenderableType:
        return Columns([left, inbox(self._inbox.messages)], padding=(0, 1))

    def _live(self) -> Live:
        return Live(console=self._console, transient=True, refresh_per_second=10)


_DONE = Text("Enter dials again, q puts the phone away.", style="dim")


def run(handset: Handset, *, code: str, wait_s: float) -> None:
    """Sessions on this terminal until the person puts the phone away."""
    console = Console(highlight=False)
    box = Inbox(handset)
    box.refresh()
    with keyboard() as keys:
        face = Face(console, keys, box)
        try:
            while face.rest(session(face, handset, code=code), wait_s=wait_s):
                pass
        except KeyboardInterrupt:
            console.print("[dim]The phone is put away.[/]")


def session(face: Face, handset: Handset, *, code: str) -> Screen:
    """One session, from dialling to its last screen."""
    screen = handset.dial(code).shown
    while screen.is_open:
        text = face.ask(screen)
        if text is None:
            handset.drop()
            return Screen("You hung up.", is_open=False, milliseconds=0)
        try:
            screen = handset.reply(text).shown
        except NoService as ended:
            return Screen("Session ended.", is_open=False, milliseconds=0, fault=str(ended))
    return screen


def phone(screen: Screen, *, typed: str | None = None, cursor: str = "") -> Panel:
    """A screen, with what has been typed on it."""
    text = Text(screen.text)
    if typed is not None:
        text.append(f"\n\n> {typed}", style="bold green")
        text.append(cursor, style="green")
    border = "red" if screen.fault else "green" if screen.is_open else "cyan"
    note = screen.fault or f"{screen.size} · {screen.milliseconds} ms"
    return Panel(
        text, box=ROUNDED, width=PHONE_WIDTH, padding=(0, 1), border_style=border,
        subtitle=Text(note, style="dim"),
    )  # fmt: skip


def message(sms: Sms) -> Panel:
    """An SMS that has just come."""
    title = f"SMS from {sms.sender} · {nairobi(sms.at)}"
    return Panel(
        Text(sms.text), box=ROUNDED, width=INBOX_WIDTH, title=title, title_align="left",
        border_style="magenta", padding=(0, 1),
    )  # fmt: skip


def inbox(messages: list[Sms]) -> Panel:
    """The newest few SMS."""
    if not messages:
        content: RenderableType = Text("No SMS yet.", style="dim")
    else:
        content = Group(*(_line(sms) for sms in newest(messages, INBOX_SHOWN)))
    return Panel(
        content, box=ROUNDED, width=INBOX_WIDTH, title=f"Inbox ({len(messages)})",
        title_align="left", border_style="magenta", padding=(0, 1),
    )  # fmt: skip


def _line(sms: Sms) -> Text:
    line = Text(f"{sms.sender} {nairobi(sms.at)}\n", style="dim")
    line.append(sms.text, style="default")
    return line
