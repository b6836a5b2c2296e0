-- Times are RFC 3339 in UTC. A transaction is known by its key, a UUID of ours;
-- number is the CSMS's transactionId, NULL until it has given one.

CREATE TABLE charge (
    key       TEXT PRIMARY KEY,
    connector INTEGER NOT NULL,
    id_tag    TEXT NOT NULL,
    parent    TEXT,
    start_at  TEXT NOT NULL,
    start_wh  INTEGER NOT NULL,
    last_at   TEXT NOT NULL,
    last_wh   INTEGER NOT NULL,
    stop_at   TEXT,
    stop_wh   INTEGER,
    cause     TEXT,
    stop_tag  TEXT,
    number    INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX charge_by_start ON charge (start_at);

-- state: 0 waits for delivery, 1 was given up and is kept for people
-- payload: JSON, deflated, so that a meter value fits its page
CREATE TABLE message (
    id       INTEGER PRIMARY KEY,
    key      TEXT NOT NULL,
    action   TEXT NOT NULL,
    payload  BLOB NOT NULL,
    at       TEXT NOT NULL,
    state    INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    error    TEXT
) STRICT;

CREATE TABLE stop_value (
    key   TEXT NOT NULL,
    seq   INTEGER NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (key, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE note (
    key  TEXT NOT NULL,
    seq  INTEGER NOT NULL,
    at   TEXT NOT NULL,
    what TEXT NOT NULL,
    PRIMARY KEY (key, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE setting (
    name   TEXT PRIMARY KEY,
    value  TEXT NOT NULL,
    origin TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tag (
    id_tag   TEXT PRIMARY KEY,
    standing TEXT NOT NULL,
    parent   TEXT,
    expires  TEXT,
    at       TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE fault (
    id        INTEGER PRIMARY KEY,
    connector INTEGER NOT NULL,
    name      TEXT NOT NULL,
    since     TEXT NOT NULL,
    until     TEXT,
    value     TEXT
) STRICT;

CREATE TABLE accepted_by (
    csms TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE boot (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id  TEXT NOT NULL
) STRICT;
