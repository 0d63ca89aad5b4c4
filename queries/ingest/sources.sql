-- Purpose: the sources that the store holds.
-- Grain:   one row a source
-- Reads:   sources
SELECT source_id, sha256, name, format, lines
FROM sources
ORDER BY name, sha256;
