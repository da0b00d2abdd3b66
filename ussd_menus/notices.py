"""Last words outside the menu, for when nobody knows who is calling or in which language."""

from typing import Final

UNAVAILABLE: Final = (
    "END Service not available now. Nothing was deducted. Try later.\n"
    "Huduma haipatikani sasa. Hakuna pesa iliyokatwa. Jaribu baadaye."
)
"""Only where this hop certainly changed nothing."""
UNSURE: Final = (
    "END Not available now. Dial again to see whether your request was received.\n"
    "Haipatikani sasa. Piga tena uone kama ombi limepokelewa."
)
"""Where the hop may have been stored: the answer to its commit was lost, or its twin still runs."""
NOT_UNDERSTOOD: Final = (
    "END Request not understood. Nothing was deducted. Dial again.\n"
    "Ombi halikueleweka. Hakuna pesa iliyokatwa. Piga tena."
)
OVER: Final = (
    "END This session has ended. Please dial again.\nMuda wa huduma umekwisha. Tafadhali piga tena."
)
"""Too old, too long, or begun on a menu that is no longer served."""

ALL: Final = (UNAVAILABLE, UNSURE, NOT_UNDERSTOOD, OVER)
