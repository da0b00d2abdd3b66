"""Who may do what: one table, for the console and for commands alike.

Nobody may do everything. Where two people are needed, no role may both propose and agree; only a
day is signed by any of those who reconcile, as long as it is not who explained its differences.
"""

from enum import StrEnum

from app.staff.accounts import Role, Staff


class Permission(StrEnum):
    """One thing that a person may be allowed to do."""

    SEE_PAYOUTS = "see payouts"
    """With phone numbers masked and first names only."""
    REVEAL = "reveal a member's name and number"
    """For a reason, which is recorded."""
    SEE_BALANCES = "see balances"
    SEE_FLOAT = "see the float"
    ASK_FLOAT = "ask M-PESA for the float"
    ASK = "ask M-PESA and send a receipt again"
    CARE = "take what needs a person, put it off, and write notes"
    PROPOSE = "propose how a payout ends"
    DECIDE = "agree to what others propose"
    SEE_PROPOSALS = "see what waits for a second person"
    REJECT = "let go of a proposal"
    SEE_QUEUES = "see the job queues"
    SEE_INBOUND = "see what M-PESA sent"
    SEE_USSD = "see how members use the menus"
    SEE_HEALTH = "see whether the machinery is well"
    RETRY = "try again what failed in a step of ours"
    SEE_STAFF = "see who works here"
    KEEP_STAFF = "ask for accounts to be made, changed or ended"
    REVIEW_STAFF = "sign that everybody has the right account"
    SEE_RECORD = "see what everybody did"
    STOP = "stop withdrawals and lock members"
    """At once and alone: a brake must not wait."""
    ASK_TO_RESUME = "ask that withdrawals go on"
    ASK_FOR_LIMITS = "ask for other limits and fees"
    ASK_FOR_MEMBER = "ask for a member's PIN, lock or number to be changed"
    RECONCILE = "reconcile with M-PESA's statement"
    SEE_RECONCILIATION = "see what does not agree with M-PESA's statement"
    SIGN_DAY = "close and sign a day"
    """Whoever explained a difference of it does not sign it."""
    EXPORT_PAYOUTS = "export lists of payouts"
    EXPORT_RECORD = "export what everybody did"
    MAKE_STATEMENT = "make a member's statement"
    """For a reason, which is recorded: it names her and her balances."""
    SEE_REPORTS = "see reports and incidents"
    KEEP_INCIDENTS = "open and keep incidents"
    SEE_OWN = "see their own account"
    """Everybody who is signed in."""


_ALL = frozenset(Role)
_OPS, _SUPPORT, _FINANCE, _MANAGER, _AUDITOR, _SECURITY = (
    Role.OPS,
    Role.SUPPORT,
    Role.FINANCE,
    Role.MANAGER,
    Role.AUDITOR,
    Role.SECURITY,
)
ROLES: dict[Permission, frozenset[Role]] = {
    Permission.SEE_PAYOUTS: frozenset({_SUPPORT, _FINANCE, _OPS, _MANAGER, _AUDITOR}),
    Permission.REVEAL: frozenset({_SUPPORT, _MANAGER, _AUDITOR}),
    Permission.SEE_BALANCES: frozenset({_FINANCE, _MANAGER, _AUDITOR}),
    Permission.SEE_FLOAT: frozenset({_FINANCE, _OPS, _MANAGER, _AUDITOR}),
    Permission.ASK_FLOAT: frozenset({_FINANCE, _OPS, _MANAGER}),
    Permission.ASK: frozenset({_SUPPORT, _FINANCE, _OPS}),
    Permission.CARE: frozenset({_SUPPORT, _FINANCE, _OPS, _MANAGER}),
    Permission.PROPOSE: frozenset({_FINANCE, _OPS}),
    Permission.DECIDE: frozenset({_MANAGER}),
    Permission.SEE_PROPOSALS: frozenset({_SUPPORT, _FINANCE, _OPS, _MANAGER, _AUDITOR}),
    Permission.REJECT: frozenset({_SUPPORT, _FINANCE, _OPS, _MANAGER}),
    Permission.SEE_QUEUES: frozenset({_OPS, _MANAGER}),
    Permission.SEE_INBOUND: frozenset({_FINANCE, _OPS, _MANAGER, _AUDITOR}),
    Permission.SEE_USSD: frozenset({_SUPPORT, _OPS, _MANAGER, _AUDITOR}),
    Permission.SEE_HEALTH: frozenset({_OPS, _MANAGER, _AUDITOR, _SECURITY}),
    Permission.RETRY: frozenset({_OPS}),
    Permission.SEE_STAFF: frozenset({_MANAGER, _AUDITOR, _SECURITY}),
    Permission.KEEP_STAFF: frozenset({_SECURITY}),
    Permission.REVIEW_STAFF: frozenset({_MANAGER}),
    Permission.SEE_RECORD: frozenset({_MANAGER, _AUDITOR, _SECURITY}),
    Permission.STOP: frozenset({_SUPPORT, _FINANCE, _OPS, _MANAGER}),
    Permission.ASK_TO_RESUME: frozenset({_FINANCE, _OPS}),
    Permission.ASK_FOR_LIMITS: frozenset({_FINANCE, _OPS}),
    Permission.ASK_FOR_MEMBER: frozenset({_SUPPORT}),
    Permission.RECONCILE: frozenset({_FINANCE, _MANAGER}),
    Permission.SEE_RECONCILIATION: frozenset({_FINANCE, _MANAGER, _AUDITOR}),
    Permission.SIGN_DAY: frozenset({_FINANCE, _MANAGER}),
    Permission.EXPORT_PAYOUTS: frozenset({_FINANCE, _MANAGER, _AUDITOR}),
    Permission.EXPORT_RECORD: frozenset({_MANAGER, _AUDITOR, _SECURITY}),
    Permission.MAKE_STATEMENT: frozenset({_MANAGER, _AUDITOR}),
    Permission.SEE_REPORTS: frozenset({_FINANCE, _MANAGER, _AUDITOR}),
    Permission.KEEP_INCIDENTS: frozenset({_MANAGER}),
    Permission.SEE_OWN: _ALL,
}
"""The roles that have each permission."""


def may(staff: Staff, permission: Permission) -> bool:
    """Whether this person is here for that."""
    return staff.role in ROLES[permission]


def who_may(permission: Permission) -> str:
    """`finance or ops`, for sentences that refuse."""
    return " or ".join(sorted(ROLES[permission]))
