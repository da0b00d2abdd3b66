-- Messages that the gateway took. Two rows with the same text are a message that came twice.
CREATE TABLE IF NOT EXISTS sms (
    id     TEXT PRIMARY KEY,
    at     REAL NOT NULL,
    phone  TEXT NOT NULL,               -- +254XXXXXXXXX
    sender TEXT NOT NULL,
    text   TEXT NOT NULL,
    status TEXT NOT NULL                -- what became of it in truth, whatever was reported
);
CREATE INDEX IF NOT EXISTS sms_phone ON sms (phone, at);

-- Every call we got, whatever came of it.
CREATE TABLE IF NOT EXISTS call (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    at          REAL NOT NULL,
    behaviour   TEXT NOT NULL,
    outcome     TEXT NOT NULL,          -- accepted, refused, not_taken
    http_status INTEGER NOT NULL
);
