"""Why a withdrawal is not taken in, as data. Pure."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a withdrawal was not taken in. Nothing has been deducted in any of these cases."""

    NOT_ALLOWED = "not_allowed"
    """The member's standing, or the mandate on her savings, does not let her withdraw by phone."""
    STOPPED = "stopped"
    """The SACCO has stopped all withdrawals."""
    ONE_OPEN = "one_open"
    """An earlier withdrawal of hers has not ended."""
    COOLING_OFF = "cooling_off"
    """Her PIN was reset or her number changed a short while ago: nothing leaves yet."""
    OVER_MAXIMUM = "over_maximum"
    """More than one withdrawal may be at this hour."""
    LOW_LIMIT = "low_limit"
    """More than may leave in the days after a PIN reset or a change of number."""
    INSUFFICIENT = "insufficient"
    """The savings do not cover the total."""
    DAILY_LIMIT = "daily_limit"
    """More than she may draw in a day."""
    SACCO_LIMIT = "sacco_limit"
    """More than all members together may draw in this hour or on this day."""
