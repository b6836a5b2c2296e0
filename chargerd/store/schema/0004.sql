-- What the station keeps for its own upkeep: certificates and keys, the link, jobs.
-- drawer: what kind of thing; sheet: JSON; seq: the order in which they were put there
CREATE TABLE sheet (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    drawer TEXT NOT NULL,
    name   TEXT NOT NULL,
    sheet  TEXT NOT NULL,
    UNIQUE (drawer, name)
) STRICT;

-- The oldest schema whose chargerd can still use this file: one that only adds tables
-- leaves this as it is, any other sets it to its own number.
PRAGMA application_id = 3;
