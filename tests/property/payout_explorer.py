"""Walks every world that a payout can come to, and judges each."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from app.payouts.states import State
from tests.property.payout_model import Rules, World, payable, steps

MONEY_IS_BACK = frozenset({State.REVERSED, State.CANCELLED, State.DECLINED})
ENDS = MONEY_IS_BACK | {State.PAID}


@dataclass(slots=True)
class Explored:
    """All worlds, how each was first reached, and what is wrong in any of them."""

    came_from: dict[World, tuple[World, str] | None]
    violations: dict[str, str] = field(default_factory=dict)
    """Kind of violation to its shortest trace."""
    moves: set[tuple[State, State]] = field(default_factory=set)
    leads_to: dict[World, list[World]] = field(default_factory=dict)

    def trace(self, world: World, *, last: str | None = None) -> str:
        """What happened, shortest way, until this world."""
        labels = [] if last is None else [last]
        while (before := self.came_from[world]) is not None:
            world, label = before
            labels.append(label)
        return " > ".join(reversed(labels))

    def only_a_person(self) -> set[World]:
        """Worlds from which nothing that machines do leads to an end."""
        sources: dict[World, list[World]] = {}
        for world, following in self.leads_to.items():
            for after in following:
                sources.setdefault(after, []).append(world)
        finishing = [w for w in self.came_from if w.ours in ENDS and not w.frozen]
        can_finish = set(finishing)
        while finishing:
            for before in sources.get(finishing.pop(), []):
                if before not in can_finish:
                    can_finish.add(before)
                    finishing.append(before)
        return set(self.came_from) - can_finish


def explore(rules: Rules) -> Explored:
    """Breadth first, so that the first trace of a violation is a shortest one."""
    start = World()
    found = Explored({start: None})
    queue = deque([start])
    while queue:
        world = queue.popleft()
        following = []
        for step in steps(world, rules):
            if step.world.ours is not world.ours:
                found.moves.add((world.ours, step.world.ours))
            if step.broken is not None and step.broken not in found.violations:
                found.violations[step.broken] = found.trace(world, last=step.label)
            following.append(step.world)
            if step.world in found.came_from:
                continue
            found.came_from[step.world] = (world, step.label)
            wrongs = list(_wrongs(step.world, rules))
            for wrong in wrongs:
                if wrong not in found.violations:
                    found.violations[wrong] = found.trace(step.world)
            # What follows from a loss is not explored, except from money that is back too early,
            # where the payment itself is worth seeing.
            if not {"paid twice", "recovery", "settled although not paid"} & set(wrongs):
                queue.append(step.world)
        found.leads_to[world] = following
    return found


def _wrongs(world: World, rules: Rules) -> Iterable[str]:
    if world.paid > 1:
        yield "paid twice"
    if world.ours in MONEY_IS_BACK:
        if world.paid:
            yield "money back although paid"
        elif payable(world, new_id_on_retry=rules.new_id_on_retry):
            yield "money back while it may still be paid"
    if world.ours is State.PAID and not world.paid:
        yield "settled although not paid"
    if world.ours is State.RECOVERY:
        yield "recovery"
