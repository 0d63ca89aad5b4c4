-- Purpose: how the sources are called, where calls are scanned elsewhere.
-- Grain:   one row a source
-- Reads:   shipped_sources (a frame in memory)
-- Writes:  sources
INSERT INTO sources BY NAME
SELECT
    source_id, sha256, name, '' AS format, 0 AS bytes, 0 AS lines, 0 AS records, 0 AS rejects,
    0 AS context
FROM shipped_sources;
