-- Version 6: rows that say what belongs to what certify themselves too, and the store says its version twice.

-- First 8 bytes of a SHA-256 of the row's other columns. Null in rows that older programs wrote, or somebody by hand.
ALTER TABLE meta   ADD COLUMN sum INTEGER;
ALTER TABLE doc    ADD COLUMN sum INTEGER;
ALTER TABLE file   ADD COLUMN sum INTEGER;
ALTER TABLE orphan ADD COLUMN sum INTEGER;
ALTER TABLE fp     ADD COLUMN sum INTEGER;
ALTER TABLE done   ADD COLUMN sum INTEGER;
ALTER TABLE unit   ADD COLUMN sum INTEGER;
