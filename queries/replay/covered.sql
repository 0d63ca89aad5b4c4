-- Purpose: where the lines of each source went.
-- Grain:   source
-- Reads:   sources, calls, buckets
WITH
    summed AS (
        SELECT source_id, count(*)::BIGINT AS buckets
        FROM buckets
        JOIN calls USING (call_id)
        GROUP BY source_id
    ),
    kept AS (
        SELECT source_id, count(*)::BIGINT AS records
        FROM calls
        GROUP BY source_id
    )
SELECT
    name AS source,
    format,
    sha256,
    bytes,
    lines,
    (coalesce(kept.records, 0) - coalesce(buckets, 0))::BIGINT AS calls,
    coalesce(buckets, 0)::BIGINT AS buckets,
    (sources.records - coalesce(kept.records, 0))::BIGINT AS duplicates,
    rejects,
    context
FROM sources
LEFT JOIN kept USING (source_id)
LEFT JOIN summed USING (source_id)
ORDER BY name, sha256;
