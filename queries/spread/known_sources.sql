-- Purpose: how the sources of the store are called.
-- Grain:   one row a source
-- Reads:   sources
SELECT source_id, sha256, name
FROM sources
ORDER BY source_id;
