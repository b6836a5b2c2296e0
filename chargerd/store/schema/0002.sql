-- What the CSMS tells the station to keep, beside its transactions.

-- connector 0 is the station; scheduled: 1 while the present use still goes on
CREATE TABLE availability (
    connector INTEGER PRIMARY KEY,
    operative INTEGER NOT NULL,
    scheduled INTEGER NOT NULL,
    origin    TEXT NOT NULL,
    at        TEXT NOT NULL
) STRICT;

CREATE TABLE reservation (
    id        INTEGER PRIMARY KEY,
    connector INTEGER NOT NULL,
    id_tag    TEXT NOT NULL,
    expires   TEXT NOT NULL,
    parent    TEXT
) STRICT;

-- the reservation that a transaction used
ALTER TABLE charge ADD COLUMN reservation INTEGER;

-- the local authorization list; tag is the cache
CREATE TABLE listed (
    id_tag   TEXT PRIMARY KEY,
    standing TEXT NOT NULL,
    parent   TEXT,
    expires  TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE list_version (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL
) STRICT;

-- charging profiles, but for those of a transaction; content: JSON
CREATE TABLE profile (
    id        INTEGER PRIMARY KEY,
    connector INTEGER NOT NULL,
    content   TEXT NOT NULL
) STRICT;

-- waiting: 1 until the CSMS has taken it
CREATE TABLE security_event (
    id      INTEGER PRIMARY KEY,
    type    TEXT NOT NULL,
    at      TEXT NOT NULL,
    info    TEXT,
    waiting INTEGER NOT NULL
) STRICT;

-- a transaction's messages: its thinning, its retries, what it waits for
CREATE INDEX message_by_key ON message (key);

-- how far the meter values of a transaction have been thinned: a message id
ALTER TABLE charge ADD COLUMN thinned INTEGER NOT NULL DEFAULT 0;
