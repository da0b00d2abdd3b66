"""The chart of accounts, named. The rows are in `sql/chart.sql`; a test holds the two together."""

MEMBER_SAVINGS = 2010
"""General ledger code of every member's savings account."""

SYSTEM_ACCOUNTS_FROM = 9_000_000_000_000
"""Accounts from here on belong to the SACCO; a system account's number is this plus its code."""

FLOAT = SYSTEM_ACCOUNTS_FROM + 1010
"""Asset: our money at M-PESA, which payouts draw on."""
DUE_FROM_MEMBERS = SYSTEM_ACCOUNTS_FROM + 1020
"""Asset: paid out although it had been given back to the member."""
CASH_AND_BANK = SYSTEM_ACCOUNTS_FROM + 1030
"""Asset: the SACCO's tills and bank accounts, as its own books move them."""
IN_TRANSIT = SYSTEM_ACCOUNTS_FROM + 2020
"""Liability: payouts between reserve and resolution. Its balance is the total of open payouts."""
EXCISE_DUTY = SYSTEM_ACCOUNTS_FROM + 2030
"""Liability: duty on fees, owed to the revenue authority."""
OWED_TO_SAFARICOM = SYSTEM_ACCOUNTS_FROM + 2040
"""Liability: what M-PESA charges for payouts and has not been paid yet."""
OPENING_BALANCES = SYSTEM_ACCOUNTS_FROM + 3010
"""Equity: the other side of what was brought over from the books before."""
FEE_INCOME = SYSTEM_ACCOUNTS_FROM + 4010
"""Income: what members pay for withdrawals."""
PROVIDER_CHARGES = SYSTEM_ACCOUNTS_FROM + 5010
"""Expense: what M-PESA charges for payouts."""
WRITTEN_OFF = SYSTEM_ACCOUNTS_FROM + 5020
"""Expense: due from members and given up."""

SYSTEM_ACCOUNTS = (
    FLOAT,
    DUE_FROM_MEMBERS,
    CASH_AND_BANK,
    IN_TRANSIT,
    EXCISE_DUTY,
    OWED_TO_SAFARICOM,
    OPENING_BALANCES,
    FEE_INCOME,
    PROVIDER_CHARGES,
    WRITTEN_OFF,
)
