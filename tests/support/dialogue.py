"""A USSD session without a phone, a network or a database: keys in, screens out.

It keeps hops as the channel does, in a dictionary. What effects would say is scripted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ussd_menus import engine, menu
from ussd_menus.engine import Recorded, State
from ussd_menus.model import Facts, Language

FIRST_FACTS: Facts = {
    "sacco": "Baraza SACCO",
    "tel": "0700000111",
    "phone": "0712***678",
    "hours": "Mon-Fri 8am-5pm",
    "accounts": [[1, "Savings"]],
    "minimum": 50_00,
    "maximum": 250_000_00,
}
OPEN_FACTS: Facts = {"ref": "BRZ8K2QF7M", "status": "processing"}
LOCK: Facts = {"until": "23/11/26 10:45 AM"}
LAST: Facts = {"ref": "BRZ8K2QF7M", "when": "23/11/26 10:15 AM", "amount": 500_00}
QUOTE: Facts = {"quote": "one", "fee": 11_00, "duty": 1_65, "total": 512_65}
OUTCOME_FACTS: dict[str, Facts] = {
    "accepted": {"ref": "BRZ8K2QF7M"},
    "wrong_pin": {"tries": 2},
    "wrong_start": {"tries": 2},
    "locked": LOCK,
    "one_open": {**OPEN_FACTS, "status": "doubt"},
    "shown": {
        "balances": [[1, "Savings", 48_000_00], [2, "Holiday", 50]],
        "lines": [["23/11", -512_65, "reserve"], ["3/11", 48_512_65, "opening"]],
    },
    "open": {**LAST, "status": "doubt"},
    "paid": {**LAST, "code": "SKL1234567"},
    "failed": {**LAST, "reason": "wallet_full"},
    **dict.fromkeys(("declined", "cancelled", "returned", "paid_after_all"), LAST),
}
"""What the screens after each outcome show."""

RIGHT = {
    "submit_withdrawal": "accepted",
    "cancel_withdrawal": "cancelled",
    "read_balance": "shown",
    "read_statement": "shown",
    "read_last": "paid",
    "check_pin": "right",
    "show_balance_in_receipts": "kept",
    "hide_balance_in_receipts": "kept",
}
"""How each effect ends that asks for the member's PIN, where nothing stands in the way."""

Effect = Callable[[str, str], str]
"""An effect's name and the secret that set it off, to the outcome."""


def pin_is_4071(effect: str, pin: str) -> str:
    """The usual world: 4071 is right, the ID ends in 3344, and nothing stands in the way."""
    if effect in RIGHT:
        return RIGHT[effect] if pin == "4071" else "wrong_pin"
    if effect == "check_start":
        return "right" if pin == "3344" else "wrong_start"
    return "changed" if pin == "8305" else "different"


@dataclass
class Dialogue:
    """One session. `effects` lists what ran: the effect and the tokens that led to it."""

    start: str = "main"
    language: Language = "en"
    first_facts: Facts = field(default_factory=lambda: {**FIRST_FACTS, **OPEN_FACTS, **LOCK})
    effect: Effect = pin_is_4071
    hops: dict[tuple[str, ...], tuple[Recorded, str]] = field(default_factory=dict)
    effects: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    tokens: tuple[str, ...] = ()

    def dial(self, *tokens: str) -> str:
        """Dial, with these tokens in the dialled string."""
        self.tokens = tokens
        return self.hop(tokens)

    def reply(self, *tokens: str) -> str:
        """Reply with these tokens, one after the other. Returns the last screen."""
        body = ""
        for token in tokens:
            self.tokens = (*self.tokens, token)
            body = self.hop(self.tokens)
        return body

    def state(self, tokens: Sequence[str]) -> State:
        """Where these tokens lead, as far as is recorded."""
        begin = engine.begin(self.start, self.language, self.first_facts)
        return engine.replay(menu.SCREENS, begin, tokens, self._recorded(tokens))

    def hop(self, tokens: Sequence[str]) -> str:
        """One callback with the whole transcript, as the channel serves it."""
        known = self.hops.get(tuple(tokens))
        if known is not None:
            return known[1]
        state = self.state(tokens)
        if state.due is not None:
            self.effects.append((state.due, tuple(tokens)))
            outcome = self.effect(state.due, tokens[-1])
            state = engine.apply(menu.SCREENS, state, outcome, OUTCOME_FACTS.get(outcome, {}))
        if engine.preparation(menu.SCREENS, state) == "quote":
            state = replace(state, shown={**state.shown, **QUOTE})
        body = engine.show(menu.SCREENS, state)
        if engine.must_be_stored(menu.SCREENS, state):
            stored = Recorded(state.screen, state.outcome, state.shown)
            self.hops[tuple(tokens)] = (stored, body)
        return body

    def _recorded(self, tokens: Sequence[str]) -> engine.Lookup:
        def find(position: int) -> Recorded | None:
            known = self.hops.get(tuple(tokens[:position]))
            return None if known is None else known[0]

        return find
