-- The chart of accounts, one system account per code; its number is 9,000,000,000,000 + the code.
-- app/ledger/chart.py names them for the code; a test holds the two together.
SET ROLE baraza_ledger;

INSERT INTO ledger.gl_account (code, name, class) VALUES
    (1010, 'M-PESA float', 'asset'),
    (1020, 'Due from members', 'asset'),
    (2010, 'Member savings', 'liability'),
    (2020, 'Payouts in transit', 'liability'),
    (2030, 'Excise duty payable', 'liability'),
    (2040, 'Owed to Safaricom', 'liability'),
    (3010, 'Opening balances', 'equity'),
    (4010, 'Withdrawal fees', 'income'),
    (5010, 'Provider charges', 'expense'),
    (5020, 'Written off', 'expense');
INSERT INTO ledger.account (id, gl_code)
SELECT 9000000000000 + code, code FROM ledger.gl_account WHERE code <> 2010;

RESET ROLE;
