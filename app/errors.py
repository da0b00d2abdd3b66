"""The root of Baraza's errors, parted by what the caller can do about them."""


class BarazaError(Exception):
    """Anything Baraza raises on purpose.

    `code` is stable: it is shown to staff and machines and never changes its meaning.
    """

    code = "BRZ-00"


class Refused(BarazaError):
    """A rule says no. Tell the person; trying the same again is pointless."""

    code = "BRZ-10"


class Retryable(BarazaError):
    """It did not happen. Try again later, with the same ids."""

    code = "BRZ-20"


class Unknown(BarazaError):
    """It may have happened. Ask; never repeat blindly and never undo."""

    code = "BRZ-30"


class Broken(BarazaError):
    """A rule that must always hold does not. Stop and call a person."""

    code = "BRZ-40"


class Misconfigured(BarazaError):
    """The installation cannot work as it is set up. The message names the cure."""

    code = "BRZ-50"
