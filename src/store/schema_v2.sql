-- Version 2: what providers said and what it cost.

-- A response, as it came: stored before anybody looks into it.
CREATE TABLE response (
    id             INTEGER PRIMARY KEY,
    fp             INTEGER NOT NULL,            -- question
    doc            INTEGER NOT NULL,            -- the document that asked first
    units          BLOB    NOT NULL,            -- content keys of the units asked about, 32 bytes each
    generation     INTEGER NOT NULL,
    state          INTEGER NOT NULL,            -- 0 stored, 1 read
    attempt        INTEGER NOT NULL,            -- from 1
    model          TEXT    NOT NULL,            -- as asked for
    request_id     TEXT,                        -- the provider's name for it
    outcome        TEXT,                        -- once read
    told           INTEGER NOT NULL DEFAULT 0,  -- 1 if the provider told the tokens, 0 if they are estimated
    estimated      INTEGER NOT NULL,            -- prompt tokens, as estimated before it was asked
    input          INTEGER NOT NULL,            -- tokens; the estimate where the provider told none
    cache_read     INTEGER NOT NULL DEFAULT 0,
    cache_write_5m INTEGER NOT NULL DEFAULT 0,
    cache_write_1h INTEGER NOT NULL DEFAULT 0,
    output         INTEGER NOT NULL,
    cost           INTEGER,                     -- picodollars (1e-12 USD); null if the price is not known
    latency_ms     INTEGER NOT NULL,
    at_ms          INTEGER NOT NULL
);
CREATE INDEX response_unread ON response (id) WHERE state = 0;
CREATE INDEX response_doc ON response (doc, fp);

-- The body of a response, zstd-compressed.
CREATE TABLE raw (id INTEGER PRIMARY KEY, z BLOB NOT NULL);

-- A request that brought no answer although the provider may have made, and billed, one.
CREATE TABLE lost (
    id      INTEGER PRIMARY KEY,
    fp      INTEGER NOT NULL,
    doc     INTEGER NOT NULL,
    model   TEXT    NOT NULL,
    message TEXT    NOT NULL,
    input   INTEGER NOT NULL,                   -- tokens, estimated
    output  INTEGER NOT NULL,                   -- tokens at most
    cost    INTEGER,                            -- picodollars at most; null if the price is not known
    at_ms   INTEGER NOT NULL
);

-- A unit that got no answer; cleared by --retry-failed.
CREATE TABLE unit_failure (
    fp         INTEGER NOT NULL,
    unit       INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    message    TEXT    NOT NULL,
    attempts   INTEGER NOT NULL,
    at_ms      INTEGER NOT NULL,
    PRIMARY KEY (fp, unit)
) WITHOUT ROWID;

ALTER TABLE answer ADD COLUMN response INTEGER;

CREATE VIEW costs AS
    SELECT f.path, p.spec AS question, r.model, count(*) AS answers, sum(r.input + r.cache_read + r.cache_write_5m + r.cache_write_1h) AS input,
           sum(r.output) AS output, sum(r.cost) / 1e12 AS dollars
    FROM response r JOIN fp p ON p.id = r.fp
    LEFT JOIN file f ON f.doc = r.doc AND f.path = (SELECT min(path) FROM file WHERE doc = r.doc)
    GROUP BY r.doc, r.fp, r.model;
