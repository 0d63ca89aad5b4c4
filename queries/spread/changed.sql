-- Purpose: the calls that the bucket held and that are another now, and whose they were.
-- Grain:   one row a source
-- Reads:   recalled, calls
SELECT
    recalled.source_id,
    bool_or(calls.source_id IS DISTINCT FROM recalled.source_id) AS gave_way
FROM recalled
LEFT JOIN calls USING (call_id)
WHERE (calls.source_id, calls.workload, calls.prompt)
    IS DISTINCT FROM (recalled.source_id, recalled.workload, recalled.prompt)
GROUP BY recalled.source_id
ORDER BY recalled.source_id;
