"""Where a session may begin: the main menu in its variants, and the ends for who cannot go on."""

from ussd_menus.model import End, Menu, Opt, Screens, T

_UNREGISTERED = (
    "This number is not registered with {sacco}. Visit us with your ID or call {tel}.\n"
    "Nambari hii haijasajiliwa. Tutembelee na kitambulisho."
)
"""In both languages: nobody knows which one the caller reads."""
OTHER_LANGUAGE = T("Kiswahili", "English")
"""Written in the language that it leads to, for whoever cannot read this one."""


def _main(screen_id: str, notice: T, *, withdraw: str) -> Menu:
    return Menu(
        notice,
        options=(
            Opt("1", T("Withdraw to M-PESA", "Tuma akiba kwenda M-PESA"), withdraw),
            Opt("2", T("Balance", "Salio"), "balance.pin"),
            Opt("3", T("Mini statement", "Taarifa fupi"), "statement.account"),
            Opt("4", T("Last withdrawal", "Ombi la mwisho"), "last.pin"),
            Opt("5", T("PIN and SMS", "PIN na SMS"), "pin.menu"),
            Opt("6", T("Help", "Msaada"), "help"),
            Opt("7", OTHER_LANGUAGE, screen_id, other_language=True),
        ),
    )


_SACCO = T("{sacco}", "{sacco}")
_OPEN = T("{ref} to M-PESA: {status}", "Ombi {ref} M-PESA: {status}")

SCREENS: Screens = {
    "main": _main("main", _SACCO, withdraw="withdraw.account"),
    "main.open": _main("main.open", _OPEN, withdraw="withdraw.open"),
    "main.unsent": _main("main.unsent", _OPEN, withdraw="withdraw.unsent"),
    "main.stopped": _main("main.stopped", _SACCO, withdraw="withdraw.stopped"),
    "main.branch": _main("main.branch", _SACCO, withdraw="withdraw.branch"),
    "help": End(
        T(
            "{sacco}\nCall {tel}\n{hours}\nWe never ask for your PIN.\n"
            "Stop others from swapping your SIM: dial *100*100#",
            "{sacco}\nPiga {tel}\n{hours}\nHatuulizi PIN yako kamwe.\n"
            "Zuia laini yako isibadilishwe na wengine: piga *100*100#",
        )
    ),
    "unregistered": End(T(_UNREGISTERED, _UNREGISTERED)),
    "no_pin": End(
        T(
            "You have no PIN yet. Call {tel} or visit {sacco} with your ID to get one.",
            "Bado huna PIN. Piga {tel} au tembelea {sacco} na kitambulisho upewe PIN.",
        )
    ),
    # Whoever holds the phone need not be the member: nothing here says why.
    "not_active": End(
        T(
            "This account cannot be used by phone. Visit {sacco} with your ID or call {tel}.",
            "Akaunti hii haitumiki kwa simu. Tembelea {sacco} na kitambulisho au piga {tel}.",
        )
    ),
    "phone_locked": End(
        T(
            "Phone service is locked for this number. Your savings are safe. "
            "To open it, visit {sacco} with your ID or call {tel}.",
            "Huduma ya simu imefungwa kwa nambari hii. Akiba yako iko salama. "
            "Kuifungua, tembelea {sacco} na kitambulisho au piga {tel}.",
        )
    ),
}

STARTS = (
    "main",
    "main.open",
    "main.unsent",
    "main.stopped",
    "main.branch",
    "start.pin",
    "start.expired",
    "pin.locked",
    "unregistered",
    "no_pin",
    "not_active",
    "phone_locked",
)
"""Where a session may begin."""
