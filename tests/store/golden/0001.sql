BEGIN TRANSACTION;
CREATE TABLE accepted_by (
    csms TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
INSERT INTO "accepted_by" VALUES('ws://csms.example/ocpp/DC-1');
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
) STRICT, WITHOUT ROWID;
INSERT INTO "charge" VALUES('aaaa-ended',1,'04A224B2','FLEET','2026-03-02T08:00:00.250000+00:00',120000,'2026-03-02T08:00:00.250000+00:00',120000,'2026-03-02T08:05:00.250000+00:00',136600,'TOKEN','04A224B2',7);
INSERT INTO "charge" VALUES('bbbb-running',1,'04A224B2','FLEET','2026-03-02T08:09:00.250000+00:00',120000,'2026-03-02T08:10:00.250000+00:00',121000,NULL,NULL,NULL,NULL,NULL);
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
CREATE TABLE message (
    id       INTEGER PRIMARY KEY,
    key      TEXT NOT NULL,
    action   TEXT NOT NULL,
    payload  TEXT NOT NULL,
    at       TEXT NOT NULL,
    state    INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    error    TEXT
) STRICT;
INSERT INTO "message" VALUES(2,'aaaa-ended','StopTransaction','{"connectorId":1,"meterValue":[{"timestamp":"2026-03-02T08:01:00Z","sampledValue":[]}],"\u00fc":0.5}','2026-03-02T08:02:00.250000+00:00',0,0,NULL);
INSERT INTO "message" VALUES(3,'bbbb-running','StartTransaction','{"connectorId":1,"meterValue":[{"timestamp":"2026-03-02T08:01:00Z","sampledValue":[]}],"\u00fc":0.5}','2026-03-02T08:03:00.250000+00:00',0,0,NULL);
INSERT INTO "message" VALUES(4,'bbbb-running','MeterValues','{"connectorId":1,"meterValue":[{"timestamp":"2026-03-02T08:01:00Z","sampledValue":[]}],"\u00fc":0.5}','2026-03-02T08:04:00.250000+00:00',1,3,'InternalError: no');
INSERT INTO "message" VALUES(5,'bbbb-running','MeterValues','{"connectorId":1,"meterValue":[{"timestamp":"2026-03-02T08:01:00Z","sampledValue":[]}],"\u00fc":0.5}','2026-03-02T08:05:00.250000+00:00',0,0,NULL);
CREATE TABLE note (
    key  TEXT NOT NULL,
    seq  INTEGER NOT NULL,
    at   TEXT NOT NULL,
    what TEXT NOT NULL,
    PRIMARY KEY (key, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO "note" VALUES('bbbb-running',1,'2026-03-02T08:09:00.250000+00:00','locking');
CREATE TABLE setting (
    name   TEXT PRIMARY KEY,
    value  TEXT NOT NULL,
    origin TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "setting" VALUES('HeartbeatInterval','60','cli');
CREATE TABLE stop_value (
    key   TEXT NOT NULL,
    seq   INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (key, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO "stop_value" VALUES('bbbb-running',1,'{"timestamp":"2026-03-02T08:01:00Z","sampledValue":[]}');
INSERT INTO "stop_value" VALUES('bbbb-running',2,'{"second":true}');
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
COMMIT;
