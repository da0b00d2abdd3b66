"""Members who withdraw, again and again, from many phones at once, whatever fails meanwhile."""

import random
import re
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from app.commands.handset import NobodyAnswers, NoService
from tests.chaos.world import PIN
from tests.support.stack import Stack

REFERENCE = re.compile(r"BRZ[2-9A-HJKMNP-Z]{7}")
PAUSE_S = 0.05
LOST_PAUSE_S = 1.0
STALLED_S = 20.0
"""Without one withdrawal taken in for so long, members wait for payouts that will not end."""
RESENT = 0.1
"""The share of confirmations that the network delivers three times at once."""

ENDINGS: tuple[tuple[int, str, str], ...] = (
    (60, "", "succeeds"),
    (8, "01", "no answer, paid"),
    (10, "02", "refused"),
    (8, "03", "result lost"),
    (5, "04", "result twice"),
    (2, "05", "result late"),
    (4, "06", "no, then yes"),
    (1, "07", "wrong amount"),
    (2, "08", "HTTP 500"),
)
"""How many of a hundred, the last digits of the amount, and what M-PESA's stand-in does then."""
REFUSED_ONLY = ((100, "02", "refused"),)
TELLING = tuple((1, ending, kind) for _, ending, kind in ENDINGS if ending in {"01", "02", "06"})
"""Those on which a rule that is wrong shows."""


class Load:
    """Phones that dial until so many withdrawals were taken in."""

    def __init__(
        self,
        stack: Stack,
        phones: Sequence[str],
        *,
        wanted: int,
        seed: int,
        threads: int,
        endings: Sequence[tuple[int, str, str]] = ENDINGS,
        per_s_max: float | None = None,
    ) -> None:
        self._stack = stack
        self._free = deque(phones)
        self._wanted = wanted
        self._endings = endings
        self._per_s_max = per_s_max
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._began = time.monotonic()
        self.taken: dict[str, str] = {}
        """What M-PESA is to do, by reference."""
        self._last_taken = self._began
        self.lost_signals = 0
        """Sessions that ended in no screen. What came of them, only the books know."""
        self._seed = seed
        self._phones_at_once = threads
        self._dialling: list[Future[None]] = []

    @contextmanager
    def dialling(self) -> Iterator[None]:
        """Members dial for as long as the block lasts; those who are in a session end it."""
        with ThreadPoolExecutor(self._phones_at_once) as pool:
            chances = [random.Random(f"{self._seed}/{n}") for n in range(self._phones_at_once)]
            self._dialling = [pool.submit(self._members, chance) for chance in chances]
            try:
                yield
            finally:
                self._stop.set()

    @property
    def done(self) -> bool:
        """Whether all that was wanted was taken in.

        A mistake of the run's own in a member's thread is raised here: it must not pass for peace.
        """
        for member in self._dialling:
            if member.done():
                member.result()
        return self.is_short == 0 or self._is_stalled

    @property
    def is_short(self) -> int:
        """How many of the wanted withdrawals could not be taken in."""
        return max(0, self._wanted - len(self.taken))

    @property
    def _is_stalled(self) -> bool:
        return time.monotonic() > self._last_taken + STALLED_S

    def kinds(self) -> Counter[str]:
        """How many of each ending were taken in."""
        return Counter(self.taken.values())

    def _members(self, chance: random.Random) -> None:
        while not self._stop.is_set() and not self.done:
            if self._is_too_early():
                time.sleep(PAUSE_S)
                continue
            with self._lock:
                phone = self._free.popleft()
            try:
                self._withdraw(phone, chance)
            except (NobodyAnswers, NoService):
                self._lost()
            finally:
                self._free.append(phone)
            time.sleep(PAUSE_S)

    def _lost(self) -> None:
        """No screen: she waits a little before she dials again."""
        self.lost_signals += 1
        time.sleep(LOST_PAUSE_S)

    def _is_too_early(self) -> bool:
        if self._per_s_max is None:
            return False
        return len(self.taken) > (time.monotonic() - self._began) * self._per_s_max

    def _withdraw(self, phone: str, chance: random.Random) -> None:
        weights = [weight for weight, *_ in self._endings]
        ((_, ending, kind),) = chance.choices(self._endings, weights)
        # From 60 on, so that no amount that is to succeed ends in a digit pair that misbehaves.
        amount = f"{chance.randrange(1, 4)}{ending or chance.randrange(60, 100)}"
        handset = self._stack.phone(phone).dial()
        for text in ("1", amount):
            if not handset.shown.is_open:
                break  # her last one is still open, or the network gave up
            handset.reply(text)
        if not handset.shown.asks_for_secret:
            if handset.shown.fault:
                self._lost()
            return
        if chance.random() < RESENT:
            handset.reply_concurrently(PIN, 3)
        else:
            handset.reply(PIN)
        found = REFERENCE.search(handset.body)
        if found:
            with self._lock:
                self.taken[found[0]] = kind
                self._last_taken = time.monotonic()
        else:
            self._lost()
