"""What members do on the phone, as often as they do it."""

import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

JOURNEYS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (40, ("1", "{amount}", "{pin}")),
    (20, ("2", "{pin}")),
    (15, ("3", "{pin}")),
    (10, ("6",)),
    (10, ()),
    (5, ("2", "{wrong}", "{pin}")),
)
"""How many of a hundred sessions go this way. Each begins with a dial, which is a hop too."""


@dataclass
class Session:
    """One session: what is still to be typed, and what was typed."""

    msisdn: str
    to_type: list[str]
    id: str = field(default_factory=lambda: f"ATUid_{secrets.token_hex(16)}")
    typed: list[str] = field(default_factory=list)
    dialled: bool = False

    @property
    def is_over(self) -> bool:
        """Whether the member has typed all that she meant to."""
        return self.dialled and not self.to_type

    def next_text(self) -> str:
        """The transcript of the next hop."""
        if self.dialled:
            self.typed.append(self.to_type.pop(0))
        self.dialled = True
        return "*".join(self.typed)


class Members:
    """Sessions of many members in turn, the same ones for the same seed."""

    def __init__(self, msisdns: Sequence[str], *, pin: str, wrong: str, seed: int = 1) -> None:
        self.msisdns = list(msisdns)
        self._words = {"pin": pin, "wrong": wrong}
        self._chance = random.Random(seed)
        self._begun = 0

    def begin(self) -> Session:
        """The next member dials."""
        msisdn = self.msisdns[self._begun % len(self.msisdns)]
        self._begun += 1
        weights = [weight for weight, _ in JOURNEYS]
        (_, steps), *_ = self._chance.choices(JOURNEYS, weights)
        amount = str(self._chance.randrange(50, 90))
        return Session(msisdn, [step.format(amount=amount, **self._words) for step in steps])
