-- Narrow tables are WITHOUT ROWID, so that the scan for what is left reads a few packed pages; blobs sit in
-- rowid tables in insertion order, so that the scan never touches a page with a blob.

CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

-- A document: one file content. live = number of present paths that hold it.
CREATE TABLE doc (
    id    INTEGER PRIMARY KEY,
    sha   BLOB    NOT NULL UNIQUE,
    bytes INTEGER NOT NULL,
    live  INTEGER NOT NULL DEFAULT 0,
    scope INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX doc_gone ON doc (id) WHERE live = 0;

-- An input file, by path relative to the input root.
CREATE TABLE file (
    path         TEXT PRIMARY KEY,
    state        INTEGER NOT NULL,             -- 0 present, 1 gone, 2 not a document, 3 unreadable
    doc          INTEGER,
    size         INTEGER NOT NULL,             -- bytes, at discovery
    mtime_ns     INTEGER NOT NULL,
    scope        INTEGER NOT NULL DEFAULT 0,   -- number of the last partial run that chose it
    output       TEXT,                         -- relative to the output folder
    output_key   TEXT,                         -- the same, case-folded: unique on every file system
    written_fp   INTEGER,                      -- write fingerprint of the file on disk
    written_doc  INTEGER,                      -- document that it was written from
    written_sha  BLOB,                         -- first 8 bytes of the SHA-256 of its bytes
    terms        INTEGER NOT NULL DEFAULT 0,
    flagged      INTEGER NOT NULL DEFAULT 0,
    fail_kind    TEXT,                         -- set if discovering or writing this file failed
    fail_message TEXT,
    attempts     INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX file_doc ON file (doc) WHERE doc IS NOT NULL;
CREATE UNIQUE INDEX file_output ON file (output_key) WHERE output_key IS NOT NULL;
CREATE INDEX file_unnamed ON file (path) WHERE state = 0 AND output IS NULL;

-- Vocabulary files whose source is gone; `corpora gc` removes those that nobody has edited.
CREATE TABLE orphan (output TEXT PRIMARY KEY, sha BLOB NOT NULL) WITHOUT ROWID;

-- A stage fingerprint, interned: everything that decides a stage's result apart from the document.
CREATE TABLE fp (
    id     INTEGER PRIMARY KEY,
    stage  TEXT    NOT NULL,
    parent INTEGER,
    sha    BLOB    NOT NULL UNIQUE,
    spec   TEXT    NOT NULL                    -- JSON, for people
);

-- A stage of a document: state 0 waiting again (rerun asked for), 1 done, 2 failed.
CREATE TABLE done (
    fp         INTEGER NOT NULL,
    doc        INTEGER NOT NULL,
    state      INTEGER NOT NULL,
    generation INTEGER NOT NULL DEFAULT 0,     -- answers older than this are not accepted
    attempts   INTEGER NOT NULL DEFAULT 1,
    terms      INTEGER NOT NULL DEFAULT 0,
    kind       TEXT,
    message    TEXT,                           -- why it failed, or notes, one a line
    at_ms      INTEGER NOT NULL,               -- Unix time
    PRIMARY KEY (fp, doc)
) WITHOUT ROWID;

-- A stage's result: id = fp << 48 | doc << 16 | part; zstd-compressed JSON.
CREATE TABLE art (id INTEGER PRIMARY KEY, z BLOB NOT NULL);

-- A unit of text that gets its own answer, by content.
CREATE TABLE unit (id INTEGER PRIMARY KEY, sha BLOB NOT NULL UNIQUE);

-- The answers to units; fp is that of the question (provider, origin, model, prompt, schema), not of a document.
CREATE TABLE answer (
    id         INTEGER PRIMARY KEY,
    fp         INTEGER NOT NULL,
    unit       INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    tokens_in  INTEGER NOT NULL DEFAULT 0,
    tokens_out INTEGER NOT NULL DEFAULT 0,
    at_ms      INTEGER NOT NULL,
    z          BLOB    NOT NULL
);
CREATE UNIQUE INDEX answer_key ON answer (fp, unit, generation);

-- For people: which fingerprints the last run used is in meta ('current:<stage>').
CREATE VIEW stages AS
    SELECT f.path, lower(hex(d.sha)) AS document, p.stage,
           CASE n.state WHEN 0 THEN 'waiting' WHEN 1 THEN 'done' ELSE 'failed' END AS state,
           n.attempts, n.terms, n.kind, n.message, datetime(n.at_ms / 1000, 'unixepoch') AS at
    FROM meta m JOIN fp p ON m.key = 'current:' || p.stage AND m.value = p.id
    JOIN done n ON n.fp = p.id JOIN doc d ON d.id = n.doc JOIN file f ON f.doc = d.id AND f.state = 0;
CREATE VIEW files AS
    SELECT f.path, CASE f.state WHEN 0 THEN 'present' WHEN 1 THEN 'gone' WHEN 2 THEN 'not a document' ELSE 'unreadable' END AS state,
           lower(hex(d.sha)) AS document, f.size, f.output, f.terms, f.fail_kind AS kind, f.fail_message AS message
    FROM file f LEFT JOIN doc d ON d.id = f.doc;
CREATE VIEW failures AS
    SELECT path, stage, kind, message, attempts FROM stages WHERE state = 'failed'
    UNION ALL
    SELECT path, CASE state WHEN 3 THEN 'discover' ELSE 'write' END, fail_kind, fail_message, attempts
    FROM file WHERE fail_kind IS NOT NULL AND state IN (0, 3);
CREATE VIEW answers AS
    SELECT a.id, p.spec AS question, lower(hex(u.sha)) AS unit, a.generation, a.tokens_in, a.tokens_out,
           datetime(a.at_ms / 1000, 'unixepoch') AS at
    FROM answer a JOIN fp p ON p.id = a.fp JOIN unit u ON u.id = a.unit;
