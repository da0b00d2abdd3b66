-- What both sandboxes keep: the faults that were asked for, and the posts that are to be made.

CREATE TABLE IF NOT EXISTS fault (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    match       TEXT NOT NULL,              -- JSON: every fact named must be equal; nth counts
    do          TEXT NOT NULL,              -- a behaviour's name
    params      TEXT NOT NULL,              -- JSON, changes the behaviour
    times_left  INTEGER,                    -- NULL: until it is cleared
    seen        INTEGER NOT NULL DEFAULT 0, -- calls that matched, for nth
    used        INTEGER NOT NULL DEFAULT 0
);

-- A post to the other side, due at a moment. Rows stay, as the record of what was really sent.
CREATE TABLE IF NOT EXISTS post (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    about        TEXT NOT NULL,             -- the payout's, message's or session's id
    kind         TEXT NOT NULL,
    url          TEXT NOT NULL,
    content_type TEXT NOT NULL,
    body         TEXT NOT NULL,
    due_at       REAL NOT NULL,             -- seconds since 1970
    done_at      REAL,
    http_status  INTEGER,                   -- the other side's answer
    answer       TEXT,
    error        TEXT                       -- why there was none
);
CREATE INDEX IF NOT EXISTS post_due ON post (due_at, id) WHERE done_at IS NULL;
CREATE INDEX IF NOT EXISTS post_about ON post (about);
