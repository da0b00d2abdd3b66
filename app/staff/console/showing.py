"""How money, moments and states look on every page of the console."""

from datetime import datetime, timedelta

from markupsafe import Markup

from app import clock
from app.clock import NAIROBI
from app.messages.texts import without_balance
from app.money import kes
from app.operations.provider_status import CAUSES, CURES
from app.operations.state_titles import TITLES
from app.payouts.proofs import Action
from app.payouts.states import OPEN_STATES, State
from app.providers.breaker import Cause
from app.providers.mpesa_statement import Movement
from app.providers.pauses import Held
from app.staff.approval_kinds import Kind
from app.staff.console import words
from app.staff.console.routes import bp, me
from app.staff.permissions import Permission, may

WAITING = OPEN_STATES - {State.IN_DOUBT}
SIGNS = {
    State.PAID: "yes",
    State.IN_DOUBT: "doubt",
    State.RECOVERY: "doubt",
    **dict.fromkeys(WAITING, "waits"),
}
"""The sign that a state carries beside its colour; whatever else has ended unpaid is `no`."""
ACTIONS = {
    Action.SETTLE: (
        "Accept as paid",
        "M-PESA paid it, by a receipt that M-PESA itself has shown us.",
    ),
    Action.RELEASE: (
        "Give back to savings",
        (
            "M-PESA did not pay it and never will. It needs a day since the last call, M-PESA's"
            " statement of that day without it, and a fresh answer that M-PESA does not know it."
        ),
    ),
    Action.UPHOLD: (
        "Keep as booked",
        "What is booked is right, whatever contradicted it. No money moves.",
    ),
    Action.TAKE_BACK: (
        "Take back",
        "M-PESA took the payment back, as its statement shows: the member has her money again.",
    ),
    Action.MAKE_GOOD: ("Book as recovered", "The SACCO has the amount back that the member owed."),
    Action.GIVE_UP: ("Write off", "The SACCO bears the amount that the member owes."),
}
"""What each action is called, and what it says and needs."""
KINDS = {
    Kind.RESUME_WITHDRAWALS: "Let withdrawals go on",
    Kind.UNLOCK_MEMBER: "Open the phone service",
    Kind.RESET_PIN: "Send a start PIN",
    Kind.CHANGE_NUMBER: "Change the phone number",
    Kind.HIRE: "Make an account",
    Kind.DISMISS: "End an account",
    Kind.CHANGE_ROLE: "Give another role",
    Kind.RENEW_ACCESS: "Let somebody set up password and second factor anew",
    Kind.RESUME_PROVIDER: "Let calls go on",
    Kind.SET_LIMITS: "Set other limits",
    Kind.SET_TARIFF: "Set another tariff",
}
"""What else needs a second person."""
HELD = {Held.PAY: "payouts", Held.ASK: "questions to M-PESA", Held.SMS: "SMS"}
"""What can be held back by itself."""
MOVEMENTS = {
    Movement.PAYMENT: "payments to customers",
    Movement.TAKEN_BACK: "payments taken back",
    Movement.MONEY_IN: "money in",
    Movement.CHARGE: "charges",
    Movement.MONEY_OUT: "other money out",
}
"""What the lines of M-PESA's statement are about."""
NOTHING_TO_ASK = "M-PESA was never asked to pay it, or has said how it ended."
TOO_LATE_TO_RESEND = "M-PESA has it, or might pay it twice."
WHY_NOT = (NOTHING_TO_ASK, TOO_LATE_TO_RESEND)
"""Why one person may not do what the page offers for other payouts."""
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
UNITS = ((_DAY, "{n} d"), (_HOUR, "{n} h"), (_MINUTE, "{n} min"), (1, "{n} s"))


@bp.app_template_filter()
def money(cents: int) -> str:
    """`KES 1,500.00`."""
    return kes(cents)


@bp.app_template_filter()
def moment(at: datetime | None) -> Markup:
    """`10:02:07` today, with the day otherwise; the whole moment as its title."""
    if at is None:
        return Markup("&mdash;")
    local = at.astimezone(NAIROBI)
    is_today = local.date() == clock.now().astimezone(NAIROBI).date()
    short = f"{local:%H:%M:%S}" if is_today else f"{local:%d/%m/%y %H:%M}"
    whole = f"{local:%d/%m/%Y %H:%M:%S}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        local.isoformat(timespec="seconds"), whole, short
    )


@bp.app_template_filter()
def age(at: datetime) -> str:
    """`4 min`: how long ago it was, or how long it is until then."""
    seconds = abs((clock.now() - at) // timedelta(seconds=1))
    unit_s, text = next((one for one in UNITS if seconds >= one[0]), UNITS[-1])
    return words.text(text, n=str(seconds // unit_s))


@bp.app_template_filter()
def state(name: State | str, *, frozen: bool = False) -> Markup:
    """A state as a word with a sign."""
    known = State(name)
    text, sign = ("Frozen", "doubt") if frozen else (TITLES[known], SIGNS.get(known, "no"))
    return Markup('<span class="state {}">{}</span>').format(sign, words.text(text))


@bp.app_template_filter("clock")
def clock_time(at: datetime) -> str:
    """`23/11 10:02`, for sentences."""
    return f"{at.astimezone(NAIROBI):%d/%m %H:%M}"


@bp.app_template_filter()
def action_title(action: Action | str) -> str:
    """What a button calls an action, in English."""
    return ACTIONS[Action(action)][0]


@bp.app_template_filter()
def action_means(action: Action | str) -> str:
    """What the action says and needs, in English."""
    return ACTIONS[Action(action)][1]


@bp.app_template_filter()
def kind_title(kind: Kind | str) -> str:
    """What a request is called, in English."""
    return KINDS[Kind(kind)]


@bp.app_template_filter()
def sms(body: str) -> str:
    """A member's text, with her balance for those alone who may see balances."""
    return body if may(me(), Permission.SEE_BALANCES) else without_balance(body)


@bp.app_template_filter()
def movement(kind: Movement | str) -> str:
    """What lines of a statement are about, in English."""
    return MOVEMENTS[Movement(kind)]


@bp.app_template_filter("held")
def held_title(step: Held | str) -> str:
    """What is held back, in English."""
    return HELD[Held(step)]


@bp.app_template_filter()
def cause(of: Cause | str) -> str:
    """Why no payout is begun, in English."""
    return CAUSES[Cause(of)]


@bp.app_template_filter()
def cure(of: Cause | str) -> str:
    """What a person does about it, in English."""
    return CURES[Cause(of)]
