-- Purpose: each sum of a provider's export is one stored record, of a span, with a request or more.
-- Grain:   one row a sum that breaks this
-- Reads:   buckets, calls, sources
WITH found AS (
    SELECT
        buckets.call_id,
        any_value(buckets.requests) AS requests,
        min(buckets.requests) AS fewest,
        count(calls.call_id) AS records,
        bool_and(calls.called_at < buckets.ends_at) AS has_span,
        any_value(concat(sources.name, ':', calls.line)) AS place
    FROM buckets
    LEFT JOIN calls USING (call_id)
    LEFT JOIN sources USING (source_id)
    GROUP BY buckets.call_id
)
SELECT place AS what, call_id, requests, records
FROM found
WHERE records <> 1
   OR fewest < 1
   OR has_span IS DISTINCT FROM true
ORDER BY what, call_id;
