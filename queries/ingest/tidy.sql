-- Purpose: drop the messages that no sampled call is made of any more.
-- Grain:   one row a message
-- Reads:   heads
-- Writes:  parts
DELETE FROM parts
WHERE NOT EXISTS (
    SELECT 1
    FROM (SELECT encoding, unnest(parts) AS part FROM heads) AS used
    WHERE used.part = parts.part AND used.encoding = parts.encoding
);
