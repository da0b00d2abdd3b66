"""The parts that screens are made of. All of them are values: a menu can be listed and measured.

A screen never does anything. What has an effect is named (`Do.effect`, `Do.prepare`), and the
channel that shows the screens runs it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Language = Literal["en", "sw"]
LANGUAGES: tuple[Language, ...] = ("en", "sw")

Row = Sequence[int | str]
"""One item of a list: an account, a line of a statement."""
Value = int | str | Row | Sequence[Row]
"""A fact for a screen: money in cents, a count, a word, a row or a list of rows. JSON all of it."""
Facts = Mapping[str, Value]

BACK = "0"
HOME = "00"
MORE = "98"
"""The rest of a long list, as networks use it. No option may take one of these keys."""


@dataclass(frozen=True, slots=True)
class T:
    """A text in every language. There is no default, so a translation cannot be forgotten."""

    en: str
    sw: str

    def to(self, language: Language) -> str:
        """The text in one language."""
        return self.en if language == "en" else self.sw


class Check(Protocol):
    """What a typed token must be."""

    @property
    def error(self) -> T:
        """The line that says what is expected, shown above the same screen."""

    def parse(self, token: str, facts: Facts) -> Value | None:
        """The token's meaning, or None where it has none."""


@dataclass(frozen=True, slots=True)
class Opt:
    """One option of a menu. Members know keys by heart: a key never gets another meaning."""

    key: str
    label: T
    to: str
    other_language: bool = False
    """Choosing it turns the dialogue, and the member's preference, to the other language."""


@dataclass(frozen=True, slots=True)
class Menu:
    """A choice."""

    text: T
    options: tuple[Opt, ...]


@dataclass(frozen=True, slots=True)
class Pick:
    """A choice from the session's list `items`; the chosen row is kept under `save`.

    Rows are numbered through, however many screens they take. Where there is only one, it is
    chosen without asking.
    """

    text: T
    items: str
    save: str
    """Also names the kind of fact that writes a row."""
    to: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A question whose answer is kept under `save` until the session goes back past it."""

    text: T
    save: str
    check: Check
    to: str
    secret: bool = False
    """A PIN or digits of an ID: the answer lives in the replay alone, and counts only if this
    screen was really served in the hop before."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where an effect's outcome leads, and the line to show there if it is no end."""

    to: str
    error: T | None = None


@dataclass(frozen=True, slots=True)
class Do:
    """A question whose answer sets off an effect. The answer is a secret and is never kept.

    `prepare` names what must be made and stored before the screen may be shown; the fact of that
    name is there once it was.
    """

    text: T
    check: Check
    effect: str
    outcomes: Mapping[str, Outcome]
    prepare: str | None = None


@dataclass(frozen=True, slots=True)
class End:
    """The last screen of a session."""

    text: T


Screen = Menu | Pick | Ask | Do | End
Screens = Mapping[str, Screen]


def as_row(value: Value) -> Row:
    """The fact as a row of plain values."""
    assert not isinstance(value, int | str)
    return [item for item in value if isinstance(item, int | str)]


def as_rows(value: Value) -> Sequence[Row]:
    """The fact as a list of rows."""
    assert not isinstance(value, int | str)
    return [as_row(row) for row in value]


def takes_secret(screen: Screen) -> bool:
    """Whether what is typed on this screen must never be kept."""
    return isinstance(screen, Do) or (isinstance(screen, Ask) and screen.secret)
