"""The first screen of a session, in the variants that its first facts choose between."""

from ussd_menus.model import End, Menu, Opt, Screens, T

OTHER_LANGUAGE = T("Kiswahili", "English")
"""Written in the language that it leads to, for whoever cannot read this one."""


def _main(screen_id: str, notice: T, *, withdraw: str) -> Menu:
    return Menu(
        notice,
        # Keys 3 to 6 are kept: mini statement, last withdrawal, PIN, help.
        options=(
            Opt("1", T("Withdraw to M-PESA", "Tuma akiba kwenda M-PESA"), withdraw),
            Opt("2", T("Balance", "Salio"), "balance.pin"),
            Opt("7", OTHER_LANGUAGE, screen_id, other_language=True),
        ),
    )


SCREENS: Screens = {
    "main": _main("main", T("{sacco}", "{sacco}"), withdraw="withdraw.amount"),
    "main.open": _main(
        "main.open",
        T("{sacco}\n{ref} to M-PESA: {status}", "{sacco}\nOmbi {ref} M-PESA: {status}"),
        withdraw="withdraw.open",
    ),
    "main.stopped": _main("main.stopped", T("{sacco}", "{sacco}"), withdraw="withdraw.stopped"),
    "unregistered": End(
        T(
            "This number is not registered with {sacco}. Visit us with your ID or call {tel}.",
            "Nambari hii haijasajiliwa na {sacco}. Tutembelee na kitambulisho au piga {tel}.",
        )
    ),
    "no_pin": End(
        T(
            "You have no PIN yet. Call {tel} or visit {sacco} with your ID to get one.",
            "Bado huna PIN. Piga {tel} au tembelea {sacco} na kitambulisho upewe PIN.",
        )
    ),
    "not_active": End(
        T(
            "Your account cannot be used by phone now. Call {tel} or visit {sacco} with your ID.",
            "Akaunti yako haitumiki kwa simu sasa. Piga {tel} au tembelea {sacco} na kitambulisho.",
        )
    ),
}

STARTS = ("main", "main.open", "main.stopped", "unregistered", "no_pin", "not_active")
"""Where a session may begin."""
