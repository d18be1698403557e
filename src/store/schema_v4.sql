-- Version 4: a ledger in two columns. What was sent is a debit until it is read, or the provider denies it.

ALTER TABLE response ADD COLUMN batch INTEGER;          -- the batch that it came with; null if it came live
ALTER TABLE response ADD COLUMN answered_by TEXT;       -- the model that answered, by its own name
UPDATE response SET batch = (SELECT b.id FROM batch b WHERE b.remote = response.request_id)
    WHERE request_id IN (SELECT remote FROM batch);
CREATE INDEX response_batch ON response (batch) WHERE batch IS NOT NULL;

ALTER TABLE lost ADD COLUMN batch INTEGER;              -- the batch whose results were not read; null if it was sent live

ALTER TABLE batch ADD COLUMN owed INTEGER NOT NULL DEFAULT 0;   -- answers that the provider counts and that were not read
ALTER TABLE batch ADD COLUMN told_input INTEGER;        -- tokens, as the provider counts them for the whole batch
ALTER TABLE batch ADD COLUMN told_output INTEGER;

DROP VIEW batches;
CREATE VIEW batches AS
    SELECT b.token, b.remote, b.model, b.requests, b.bytes,
           CASE b.state WHEN 0 THEN 'planned' WHEN 1 THEN 'submitting' WHEN 2 THEN 'ambiguous' WHEN 3 THEN 'submitted'
                        WHEN 4 THEN 'ended' WHEN 5 THEN 'collected' WHEN 6 THEN 'refused' ELSE 'abandoned' END AS state,
           b.status, b.succeeded, b.failed, b.owed, b.message, b.reserved / 1e12 AS dollars_at_most,
           datetime(b.submitted_ms / 1000, 'unixepoch') AS submitted, datetime(b.expires_ms / 1000, 'unixepoch') AS expires
    FROM batch b;
