"""Money as a whole number of cents of a Kenya shilling.

Never a float. M-PESA pays whole shillings only, the ledger keeps cents (fees and duty have them).
"""

CENTS_PER_SHILLING = 100


def shillings(whole: int) -> int:
    """Cents in a number of whole shillings."""
    return whole * CENTS_PER_SHILLING


def kes(cents: int) -> str:
    """`KES 5,000.00`: thousands comma, two decimals, the same in every language."""
    sign = "-" if cents < 0 else ""
    whole, rest = divmod(abs(cents), CENTS_PER_SHILLING)
    return f"{sign}KES {whole:,}.{rest:02d}"


def kes_short(cents: int) -> str:
    """`KES 5,000`, or with the cents where there are any. For screens, where room is scarce."""
    return kes(cents).removesuffix(".00")


def whole_shillings(cents: int) -> int:
    """Shillings in an amount that must not have cents.

    Raises:
        ValueError: the amount has cents; rounding money is never right.
    """
    whole, rest = divmod(cents, CENTS_PER_SHILLING)
    if rest:
        raise ValueError(f"{cents} cents are not whole shillings")
    return whole


def rate_bp(cents: int, *, basis_points: int) -> int:
    """A rate of an amount, in cents, half a cent rounded up. 1500 basis points are 15 %."""
    return (cents * basis_points + 5_000) // 10_000
