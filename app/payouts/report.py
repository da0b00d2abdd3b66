"""What one ringing found and did: for the dashboard's list of jobs and for tests."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.doorbell import Step
from app.payouts.claims import Payout

NAMED_MAX = 3


@dataclass(frozen=True, slots=True)
class Report:
    """A step's work of one ringing."""

    references: tuple[str, ...]
    """Of the payouts that it claimed."""
    done: int
    set_aside: int = 0
    """How many raised and will be worked alone."""
    is_full: bool = False
    """Whether it claimed as many as it may at once, so that more may be due."""

    @classmethod
    def of(cls, payouts: Sequence[Payout], *, set_aside: int, is_full: bool = False) -> "Report":
        """All of these were worked, but for those set aside."""
        references = tuple(p.reference for p in payouts)
        return cls(references, len(payouts) - set_aside, set_aside, is_full)

    @classmethod
    def together(cls, reports: Sequence["Report"]) -> "Report":
        """What several gulps of one ringing found."""
        return cls(
            tuple(reference for report in reports for reference in report.references),
            sum(report.done for report in reports),
            sum(report.set_aside for report in reports),
            reports[-1].is_full,
        )

    @property
    def found(self) -> int:
        """How many payouts it claimed."""
        return len(self.references)

    def described(self, step: Step) -> str:
        """`pay ×12: BRZ…, BRZ…, BRZ…, …`, as the dashboard shows it."""
        if not self.references:
            return f"{step}: nothing due"
        named = ", ".join(self.references[:NAMED_MAX])
        more = ", …" if len(self.references) > NAMED_MAX else ""
        return f"{step} ×{len(self.references)}: {named}{more}"

    @property
    def counts(self) -> dict[str, int]:
        """The job's result."""
        return {"done": self.done, "set_aside": self.set_aside}
