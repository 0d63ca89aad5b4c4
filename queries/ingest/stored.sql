-- Purpose: which sources the store holds.
-- Grain:   one row a source
-- Reads:   sources
SELECT sha256
FROM sources
ORDER BY sha256;
