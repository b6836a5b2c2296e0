-- The meter of each connector: what it said last, and what is added to that. While
-- its transactions come after this, the last of them knows better how far it is.
CREATE TABLE register (
    connector        INTEGER PRIMARY KEY,
    raw_wh           INTEGER NOT NULL,
    offset_wh        INTEGER NOT NULL,
    at               TEXT NOT NULL,
    serial           TEXT,
    export_wh        INTEGER,
    export_offset_wh INTEGER NOT NULL
) STRICT;

-- until now every register was taken as the meter said it
INSERT INTO register
    SELECT connector, coalesce(stop_wh, last_wh), 0, last_at, NULL, NULL, 0
    FROM charge WHERE (connector, start_at) IN
        (SELECT connector, max(start_at) FROM charge GROUP BY connector)
    GROUP BY connector;

-- when another meter, or one that began anew, was taken: registers as it said them
CREATE TABLE exchange (
    id         INTEGER PRIMARY KEY,
    connector  INTEGER NOT NULL,
    at         TEXT NOT NULL,
    why        TEXT NOT NULL,
    old_serial TEXT,
    new_serial TEXT,
    old_wh     INTEGER NOT NULL,
    new_wh     INTEGER NOT NULL,
    offset_wh  INTEGER NOT NULL
) STRICT;
