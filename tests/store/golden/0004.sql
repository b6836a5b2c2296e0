BEGIN TRANSACTION;
CREATE TABLE accepted_by (
    csms TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
INSERT INTO "accepted_by" VALUES('ws://csms.example/ocpp/DC-1');
CREATE TABLE availability (
    connector INTEGER PRIMARY KEY,
    operative INTEGER NOT NULL,
    scheduled INTEGER NOT NULL,
    origin    TEXT NOT NULL,
    at        TEXT NOT NULL
) STRICT;
INSERT INTO "availability" VALUES(0,1,0,'csms','2026-03-02T08:01:00.250000+00:00');
INSERT INTO "availability" VALUES(1,0,1,'cli','2026-03-02T08:02:00.250000+00:00');
CREATE TABLE boot (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id  TEXT NOT NULL
) STRICT;
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
, reservation INTEGER, thinned INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
INSERT INTO "charge" VALUES('aaaa-ended',1,'04A224B2','FLEET','2026-03-02T08:00:01.750000+00:00',120000,'2026-03-02T08:00:01.750000+00:00',120000,'2026-03-02T08:05:01.750000+00:00',136600,'TOKEN','04A224B2',7,7,0);
INSERT INTO "charge" VALUES('bbbb-running',1,'04A224B2','FLEET','2026-03-02T08:09:00.250000+00:00',120000,'2026-03-02T08:10:00.250000+00:00',121000,NULL,NULL,NULL,NULL,NULL,7,0);
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
INSERT INTO "exchange" VALUES(1,1,'2026-03-02T08:09:00.250000+00:00','the register went back','A-1','B-2',120000,5,120495);
CREATE TABLE fault (
    id        INTEGER PRIMARY KEY,
    connector INTEGER NOT NULL,
    name      TEXT NOT NULL,
    since     TEXT NOT NULL,
    until     TEXT,
    value     TEXT
) STRICT;
INSERT INTO "fault" VALUES(1,1,'insulation','2026-03-02T08:06:00.250000+00:00','2026-03-02T08:07:00.250000+00:00','20 kohm');
INSERT INTO "fault" VALUES(2,0,'door-open','2026-03-02T08:08:00.250000+00:00',NULL,NULL);
CREATE TABLE list_version (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO "list_version" VALUES(1,4);
CREATE TABLE listed (
    id_tag   TEXT PRIMARY KEY,
    standing TEXT NOT NULL,
    parent   TEXT,
    expires  TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO "listed" VALUES('04D','Accepted','FLEET','2026-03-02T09:39:00.250000+00:00');
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
INSERT INTO "message" VALUES(2,'aaaa-ended','StopTransaction',X'78BB30D7A55523C343C6BA064621061656068656583D0334564729A6D4C0202D59C9CA40CFB4160058861EDA','2026-03-02T08:02:00.250000+00:00',0,0,NULL);
INSERT INTO "message" VALUES(3,'bbbb-running','StartTransaction',X'78BB30D7A55523C343C6BA064621061656068656583D0334564729A6D4C0202D59C9CA40CFB4160058861EDA','2026-03-02T08:03:00.250000+00:00',0,0,NULL);
INSERT INTO "message" VALUES(4,'bbbb-running','MeterValues',X'78BB30D7A55523C343C6BA064621061656068656583D0334564729A6D4C0202D59C9CA40CFB4160058861EDA','2026-03-02T08:04:00.250000+00:00',1,3,'InternalError: no');
INSERT INTO "message" VALUES(5,'bbbb-running','MeterValues',X'78BB30D7A55523C343C6BA064621061656068656583D0334564729A6D4C0202D59C9CA40CFB4160058861EDA','2026-03-02T08:05:00.250000+00:00',0,0,NULL);
CREATE TABLE note (
    key  TEXT NOT NULL,
    seq  INTEGER NOT NULL,
    at   TEXT NOT NULL,
    what TEXT NOT NULL,
    PRIMARY KEY (key, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO "note" VALUES('bbbb-running',1,'2026-03-02T08:09:00.250000+00:00','locking');
CREATE TABLE profile (
    id        INTEGER PRIMARY KEY,
    connector INTEGER NOT NULL,
    content   TEXT NOT NULL
) STRICT;
INSERT INTO "profile" VALUES(-3,0,'{"purpose":"ChargePointMaxProfile","stack_level":0,"kind":"Absolute","periods":[[0.0,60000.0]],"start":"2026-03-02T08:00:00.250000+00:00","duration_s":null,"recurrency":null,"least_w":0.0,"valid_from":null,"valid_to":null}');
INSERT INTO "profile" VALUES(5,1,'{"purpose":"TxDefaultProfile","stack_level":9,"kind":"Recurring","periods":[[0.0,11000.0],[0.5,6000.5]],"start":"2026-03-02T07:00:00.250000+00:00","duration_s":3600.0,"recurrency":"Weekly","least_w":4000.0,"valid_from":"2026-03-02T08:01:00.250000+00:00","valid_to":"2026-03-02T08:09:00.250000+00:00"}');
CREATE TABLE register (
    connector        INTEGER PRIMARY KEY,
    raw_wh           INTEGER NOT NULL,
    offset_wh        INTEGER NOT NULL,
    at               TEXT NOT NULL,
    serial           TEXT,
    export_wh        INTEGER,
    export_offset_wh INTEGER NOT NULL
) STRICT;
INSERT INTO "register" VALUES(1,5,120495,'2026-03-02T08:09:00.250000+00:00','B-2',0,3);
INSERT INTO "register" VALUES(2,900,0,'2026-03-02T08:03:00.250000+00:00',NULL,NULL,0);
CREATE TABLE reservation (
    id        INTEGER PRIMARY KEY,
    connector INTEGER NOT NULL,
    id_tag    TEXT NOT NULL,
    expires   TEXT NOT NULL,
    parent    TEXT
) STRICT;
INSERT INTO "reservation" VALUES(-1,0,'04D','2026-03-02T09:39:00.250000+00:00','FLEET');
INSERT INTO "reservation" VALUES(8,2,'04E','2026-03-02T09:30:00.250000+00:00',NULL);
CREATE TABLE security_event (
    id      INTEGER PRIMARY KEY,
    type    TEXT NOT NULL,
    at      TEXT NOT NULL,
    info    TEXT,
    waiting INTEGER NOT NULL
) STRICT;
INSERT INTO "security_event" VALUES(1,'StartupOfTheDevice','2026-03-02T08:11:00.250000+00:00',NULL,0);
INSERT INTO "security_event" VALUES(2,'InvalidMessages','2026-03-02T08:11:00.250000+00:00',NULL,0);
INSERT INTO "security_event" VALUES(3,'ResetOrReboot','2026-03-02T08:11:00.250000+00:00',NULL,1);
CREATE TABLE setting (
    name   TEXT PRIMARY KEY,
    value  TEXT NOT NULL,
    origin TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "setting" VALUES('HeartbeatInterval','60','cli');
CREATE TABLE sheet (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    drawer TEXT NOT NULL,
    name   TEXT NOT NULL,
    sheet  TEXT NOT NULL,
    UNIQUE (drawer, name)
) STRICT;
INSERT INTO "sheet" VALUES(1,'link','a','{"url": null, "life_s": 0.5}');
INSERT INTO "sheet" VALUES(2,'link','b','{"url": "wss://\u00fc.example", "profile": 2}');
CREATE TABLE stop_value (
    key   TEXT NOT NULL,
    seq   INTEGER NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (key, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO "stop_value" VALUES('bbbb-running',1,X'78BB30D7A555C3E662635D03A310030B2B03432BACAE8DAD0500B0A41008');
INSERT INTO "stop_value" VALUES('bbbb-running',2,X'78BB30D7A555AB562A4E055A0734ADA4A834B516002C4405B3');
CREATE TABLE tag (
    id_tag   TEXT PRIMARY KEY,
    standing TEXT NOT NULL,
    parent   TEXT,
    expires  TEXT,
    at       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "tag" VALUES('04A','Accepted','FLEET','2026-03-02T09:39:00.250000+00:00','2026-03-02T08:01:00.250000+00:00');
INSERT INTO "tag" VALUES('04B','Blocked',NULL,NULL,'2026-03-02T08:00:00.250000+00:00');
CREATE INDEX charge_by_start ON charge (start_at);
CREATE INDEX message_by_key ON message (key);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('sheet',4);
COMMIT;
