"""Single keys from a terminal, so that a screen can move while somebody types."""

import os
import select
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

ENTER = {"\r", "\n"}
RUBOUT = {"\x7f", "\x08"}
END_OF_INPUT = "\x04"
ESCAPE = "\x1b"
LINE_MAX = 160


@dataclass
class Line:
    """A line that is being typed."""

    text: str = ""
    is_sent: bool = False
    is_closed: bool = False
    """Ctrl-D on an empty line: nothing more will be typed."""

    def take(self, keys: str) -> None:
        """Add what was typed. Arrow and function keys arrive as escape sequences and are left."""
        if keys.startswith(ESCAPE):
            return
        for key in keys:
            if key in ENTER:
                self.is_sent = True
                return
            if key in RUBOUT:
                self.text = self.text[:-1]
            elif key == END_OF_INPUT:
                self.is_closed = not self.text
            elif key.isprintable() and len(self.text) < LINE_MAX:
                self.text += key


@dataclass
class Keyboard:
    """The terminal's keys, unbuffered and without echo."""

    descriptor: int = field(default_factory=sys.stdin.fileno)

    def read(self, *, within_s: float) -> str:
        """The keys that were pressed, or an empty text after this time."""
        ready, _, _ = select.select([self.descriptor], [], [], within_s)
        if not ready:
            return ""
        pressed = os.read(self.descriptor, 256).decode("utf-8", "ignore")
        return pressed or END_OF_INPUT


@contextmanager
def keyboard() -> Iterator[Keyboard]:
    """Take keys one by one until the block is left. Ctrl-C still interrupts."""
    keys = Keyboard()
    before = termios.tcgetattr(keys.descriptor)
    try:
        tty.setcbreak(keys.descriptor)
        yield keys
    finally:
        termios.tcsetattr(keys.descriptor, termios.TCSADRAIN, before)
