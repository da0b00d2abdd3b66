"""The register of journeys. Each is played in both languages on a database of its own."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.support.story import Story

JOURNEYS: dict[str, "Journey"] = {}


@dataclass(frozen=True, slots=True)
class Journey:
    """What a member goes through. The first line of the function's docstring is the title."""

    play: Callable[[Story], None]
    pin: str | None
    """The PIN that she begins with."""

    @property
    def title(self) -> str:
        """What happens, in a sentence."""
        assert self.play.__doc__
        return self.play.__doc__.splitlines()[0]


def journey(play: Callable[[Story], None]) -> Callable[[Story], None]:
    """Register a journey of a member with a PIN of her own, under the function's name."""
    JOURNEYS[play.__name__] = Journey(play, "4071")
    return play


def without_pin(play: Callable[[Story], None]) -> Callable[[Story], None]:
    """Register a journey of a member who has no PIN of her own yet."""
    JOURNEYS[play.__name__] = Journey(play, None)
    return play
