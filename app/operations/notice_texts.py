"""What a notice says: JSON for a webhook, one segment of SMS for a person who may be asleep."""

from collections.abc import Sequence
from typing import Any

from app.messages.segments import segments
from app.msisdn import mask_all
from app.operations.alerting import first_thing_to_do
from app.operations.notices import Kind, Notice
from ussd_menus.gsm7 import ALPHABET, EXTENSION

CUT = "..."
RULES_NAMED_MAX = 4
_HEADS: dict[Kind, str] = {
    "opened": "BARAZA PAGE",
    "escalated": "BARAZA: NOBODY IS AT IT",
    "cleared": "BARAZA: OVER",
}
TEST_TEXT = "BARAZA: a test. Alerts that call for you will come to this phone."


def body(notice: Notice) -> dict[str, Any]:
    """For the webhook. `notice` is the same in a repeat."""
    return {
        "notice": notice.id,
        "kind": notice.kind,
        "rule": notice.rule,
        "subject": mask_all(notice.subject),
        "severity": notice.severity,
        "detail": mask_all(notice.detail),
        "do": first_thing_to_do(notice.rule),
        "opened_at": notice.opened_at.isoformat(),
        "acknowledged_by": notice.acknowledged_by,
        "escalated_at": notice.escalated_at and notice.escalated_at.isoformat(),
        "cleared_at": notice.cleared_at and notice.cleared_at.isoformat(),
    }


def of_one_rule(notices: Sequence[Notice]) -> str:
    """One text about all that one rule found."""
    first, more = notices[0], len(notices) - 1
    about = f"{first.subject} and {more} more" if more else f"{first.subject}. {first.detail}"
    return _fit(f"{_HEADS[first.kind]}: {first.rule}: {about}")


def of_many_rules(notices: Sequence[Notice]) -> str:
    """The last text of an hour: everything that is left, in one."""
    rules = list(dict.fromkeys(notice.rule for notice in notices))
    named = ", ".join(rules[:RULES_NAMED_MAX]) + " and more" * (len(rules) > RULES_NAMED_MAX)
    return _fit(
        f"BARAZA: {len(notices)} more alerts: {named}. No more texts for now: baraza alerts list"
    )


def _fit(text: str) -> str:
    """In one segment: letters that phones know, and not too many."""
    plain = "".join(c if c in ALPHABET or c in EXTENSION else "?" for c in mask_all(text))
    if segments(plain).count == 1:
        return plain
    while segments(plain + CUT).count > 1:
        plain = plain[:-1]
    return plain + CUT
