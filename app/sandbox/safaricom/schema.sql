-- Safaricom's own memory and books.

CREATE TABLE IF NOT EXISTS token (
    only       INTEGER PRIMARY KEY CHECK (only = 1), -- a new token kills the one before
    value      TEXT NOT NULL,
    expires_at REAL NOT NULL
);

CREATE TABLE IF NOT EXISTS operator (
    only            INTEGER PRIMARY KEY CHECK (only = 1),
    wrong_passwords INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE IF NOT EXISTS account (
    name  TEXT PRIMARY KEY,
    cents INTEGER NOT NULL
);

-- A payout request that was taken. The key is the memory against a second payment.
CREATE TABLE IF NOT EXISTS payout (
    ocid            TEXT PRIMARY KEY,
    conversation_id TEXT NOT NULL,
    msisdn          TEXT NOT NULL,              -- 254XXXXXXXXX, as Daraja writes it
    cents           INTEGER NOT NULL,
    code            TEXT NOT NULL,              -- JSON: a number or a text; 0 is paid
    status          TEXT NOT NULL,              -- what a status query says once it is finished
    transaction_id  TEXT NOT NULL,              -- the receipt, or what only looks like one
    fee_cents       INTEGER NOT NULL,
    utility_cents   INTEGER NOT NULL,           -- the accounts after it
    charges_cents   INTEGER NOT NULL,
    accepted_at     REAL NOT NULL,
    finished_at     REAL NOT NULL               -- until then a status query says that it is open
);
CREATE INDEX IF NOT EXISTS payout_transaction ON payout (transaction_id);

-- Who has which number. Nobody knows the owners of others.
CREATE TABLE IF NOT EXISTS subscriber (
    msisdn TEXT PRIMARY KEY,
    name   TEXT NOT NULL
);

-- Money that reached a member. Nothing here is unique: a second payment would be a second row.
CREATE TABLE IF NOT EXISTS payment (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    ocid    TEXT NOT NULL,
    msisdn  TEXT NOT NULL,
    cents   INTEGER NOT NULL,
    paid_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS payment_msisdn ON payment (msisdn);

-- What moved on the account that payouts are made from, in its order.
CREATE TABLE IF NOT EXISTS movement (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    at       REAL NOT NULL,
    receipt  TEXT NOT NULL,
    cents    INTEGER NOT NULL,                  -- + in, - out
    balance  INTEGER NOT NULL,                  -- after it
    details  TEXT NOT NULL,
    party    TEXT NOT NULL,
    undoes   TEXT NOT NULL                      -- the receipt of the payment that was taken back
);
CREATE INDEX IF NOT EXISTS movement_at ON movement (at);

-- Every call we got, whatever came of it.
CREATE TABLE IF NOT EXISTS call (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    at          REAL NOT NULL,
    api         TEXT NOT NULL,
    about       TEXT,                           -- the payout's OCID, where the call names one
    behaviour   TEXT NOT NULL,
    outcome     TEXT NOT NULL,                  -- accepted, duplicate, refused, not_taken
    http_status INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS call_about ON call (about);
