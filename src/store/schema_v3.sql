-- Version 3: batches at a provider's batch endpoint. A row and its whole list of requests are durable before anything is sent.

CREATE TABLE batch (
    id           INTEGER PRIMARY KEY,
    fp           INTEGER NOT NULL,              -- question
    generation   INTEGER NOT NULL,
    model        TEXT    NOT NULL,
    token        TEXT    NOT NULL UNIQUE,       -- the beginning of every custom id, and the payload's file name
    sha          BLOB    NOT NULL,              -- SHA-256 of the payload
    requests     INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,              -- of the payload
    input        INTEGER NOT NULL,              -- tokens, estimated
    reserved     INTEGER,                       -- picodollars at most; null if the price is not known
    state        INTEGER NOT NULL,              -- 0 planned, 1 submitting, 2 ambiguous, 3 submitted, 4 ended, 5 collected, 6 refused
    upload       TEXT,                          -- the payload's file at the provider
    remote       TEXT UNIQUE,                   -- the batch's id at the provider
    status       TEXT,                          -- the provider's word for how it stands
    succeeded    INTEGER NOT NULL DEFAULT 0,    -- as the provider counts
    failed       INTEGER NOT NULL DEFAULT 0,
    message      TEXT,
    planned_ms   INTEGER NOT NULL,              -- Unix time
    intent_ms    INTEGER,                       -- when it was about to be sent
    submitted_ms INTEGER,
    ended_ms     INTEGER,
    expires_ms   INTEGER                        -- when its results go away
);
CREATE INDEX batch_open ON batch (id) WHERE state < 5;

-- A request of a batch. state: 0 waiting, 1 its outcome is stored, 2 undone: it goes into another batch.
CREATE TABLE batch_request (
    batch      INTEGER NOT NULL,
    seq        INTEGER NOT NULL,                -- custom id = token || '-' || seq
    state      INTEGER NOT NULL,
    doc        INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,                -- what its units have used of their budget
    max_output INTEGER NOT NULL,
    input      INTEGER NOT NULL,                -- tokens, estimated
    units      BLOB    NOT NULL,                -- content keys, 32 bytes each
    message    TEXT,
    PRIMARY KEY (batch, seq)
) WITHOUT ROWID;

-- Units in a batch that is not collected: nobody else asks for them.
CREATE TABLE batch_unit (
    fp    INTEGER NOT NULL,
    unit  BLOB    NOT NULL,
    batch INTEGER NOT NULL,
    PRIMARY KEY (fp, unit)
) WITHOUT ROWID;

-- What units have used of their attempt budget in batches, until they are answered or given up.
CREATE TABLE unit_attempts (
    fp       INTEGER NOT NULL,
    unit     BLOB    NOT NULL,
    attempts INTEGER NOT NULL,
    raised   INTEGER NOT NULL DEFAULT 0,        -- 1 if the output budget was raised
    PRIMARY KEY (fp, unit)
) WITHOUT ROWID;

CREATE VIEW batches AS
    SELECT b.token, b.remote, b.model, b.requests, b.bytes,
           CASE b.state WHEN 0 THEN 'planned' WHEN 1 THEN 'submitting' WHEN 2 THEN 'ambiguous' WHEN 3 THEN 'submitted'
                        WHEN 4 THEN 'ended' WHEN 5 THEN 'collected' ELSE 'refused' END AS state,
           b.status, b.succeeded, b.failed, b.message, b.reserved / 1e12 AS dollars_at_most,
           datetime(b.submitted_ms / 1000, 'unixepoch') AS submitted, datetime(b.expires_ms / 1000, 'unixepoch') AS expires
    FROM batch b;
