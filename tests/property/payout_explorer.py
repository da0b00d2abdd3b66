"""Walks every world that a payout can come to, and judges each."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from app.payouts.states import State
from tests.property.payout_model import steps
from tests.property.payout_mpesa import payable
from tests.property.payout_world import Rules, World

MONEY_IS_BACK = frozenset({State.REVERSED, State.CANCELLED, State.DECLINED})
ENDS = MONEY_IS_BACK | {State.PAID}

PAID_TWICE = "paid twice"
BACK_AND_PAID = "money back although paid"
BACK_TOO_EARLY = "money back while it may still be paid"
SETTLED_FOR_NOTHING = "settled although not paid"
RECOVERY = "paid after it was reversed"

_LOST = frozenset({PAID_TWICE, SETTLED_FOR_NOTHING, RECOVERY})
"""What follows from these is not explored. Money that is back too early is followed on, because
the payment after it is worth seeing."""


@dataclass(slots=True)
class Explored:
    """All worlds in the order of their distance, and what is wrong in any of them."""

    worlds: list[World] = field(default_factory=list)
    came_from: list[tuple[int, str]] = field(default_factory=list)
    leads_to: list[list[int]] = field(default_factory=list)
    moves: set[tuple[State, State]] = field(default_factory=set)
    violations: dict[str, str] = field(default_factory=dict)
    """Each kind of violation with its shortest trace."""

    def trace(self, at: int, *, last: str | None = None) -> str:
        """What happened, the shortest way, until this world."""
        labels = [] if last is None else [last]
        while at:
            at, label = self.came_from[at]
            labels.append(label)
        return " > ".join(reversed(labels))

    def only_a_person(self) -> list[World]:
        """Worlds from which nothing that machines do leads to an end."""
        sources: list[list[int]] = [[] for _ in self.worlds]
        for before, following in enumerate(self.leads_to):
            for after in following:
                sources[after].append(before)
        finishing = [i for i, w in enumerate(self.worlds) if w.ours in ENDS and not w.frozen]
        can_finish = set(finishing)
        while finishing:
            new = set(sources[finishing.pop()]) - can_finish
            can_finish |= new
            finishing.extend(new)
        return [w for i, w in enumerate(self.worlds) if i not in can_finish]


def explore(rules: Rules, *, until: AbstractSet[str] = frozenset()) -> Explored:
    """Breadth first, so that the first trace of a violation is a shortest one.

    Stops early once every violation in `until` was seen.
    """
    found = Explored(worlds=[World()], came_from=[(0, "")])
    numbers = {World(): 0}
    for at, world in enumerate(found.worlds):  # it grows while it is walked
        if until and until <= set(found.violations):
            break
        following: list[int] = []
        found.leads_to.append(following)
        if not _LOST.isdisjoint(_wrongs(world, rules)):
            continue
        for label, after, broken in steps(world, rules):
            if after.ours is not world.ours:
                found.moves.add((world.ours, after.ours))
            if broken is not None and broken not in found.violations:
                found.violations[broken] = found.trace(at, last=label)
            number = numbers.get(after)
            if number is None:
                number = numbers[after] = len(found.worlds)
                found.worlds.append(after)
                found.came_from.append((at, label))
                for wrong in _wrongs(after, rules):
                    if wrong not in found.violations:
                        found.violations[wrong] = found.trace(number)
            following.append(number)
    return found


def _wrongs(world: World, rules: Rules) -> Iterator[str]:
    if world.paid > 1:
        yield PAID_TWICE
    if world.ours in MONEY_IS_BACK:
        if world.paid:
            yield BACK_AND_PAID
        elif payable(world, rules):
            yield BACK_TOO_EARLY
    if world.ours is State.PAID and not world.paid:
        yield SETTLED_FOR_NOTHING
    if world.ours is State.RECOVERY:
        yield RECOVERY
