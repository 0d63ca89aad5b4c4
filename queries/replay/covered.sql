-- Purpose: where the lines of each source went.
-- Grain:   source
-- Reads:   sources, calls
WITH kept AS (
    SELECT source_id, count(*)::BIGINT AS calls
    FROM calls
    GROUP BY source_id
)
SELECT
    name AS source,
    format,
    sha256,
    bytes,
    lines,
    coalesce(kept.calls, 0)::BIGINT AS calls,
    (records - coalesce(kept.calls, 0))::BIGINT AS duplicates,
    rejects,
    context
FROM sources
LEFT JOIN kept USING (source_id)
ORDER BY name, sha256;
