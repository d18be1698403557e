-- Version 5: what is stored certifies itself, and a change of a file is noticed that keeps its size and its time.

-- First 8 bytes of a SHA-256 of the row: of its bytes and of what they belong to. Null in rows that older programs wrote.
ALTER TABLE art    ADD COLUMN sum INTEGER;
ALTER TABLE answer ADD COLUMN sum INTEGER;
ALTER TABLE raw    ADD COLUMN sum INTEGER;

-- Of the input, when it was looked at; null where an older program looked.
ALTER TABLE file ADD COLUMN ctime_ns INTEGER;
ALTER TABLE file ADD COLUMN inode    INTEGER;
-- Bytes of the output as it was published.
ALTER TABLE file ADD COLUMN written_bytes INTEGER;

-- Runs that ended by themselves while they worked on this document.
ALTER TABLE doc ADD COLUMN aborts INTEGER NOT NULL DEFAULT 0;
