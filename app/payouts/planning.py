"""An operator's deadlines, from the settings."""

from app.config import Settings
from app.payouts.deadlines import Schedule
from app.providers import daraja


def schedule(settings: Settings) -> Schedule:
    """The deadlines that this installation's settings give its payouts."""
    return Schedule(
        resend_after_s=settings.payout_resend_after_s,
        ask_after_s=settings.payout_ask_after_s,
        doubt_after_s=settings.payout_doubt_after_s,
        notice_after_s=settings.payout_notice_after_s,
        call_s_max=daraja.call_s_max(
            connect_s=settings.daraja_connect_timeout_s, read_s=settings.daraja_read_timeout_s
        ),
    )
