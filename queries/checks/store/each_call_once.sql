-- Purpose: no call is stored twice, and none is of a source that is not there.
-- Grain:   one row a call that breaks this
-- Reads:   calls, sources
WITH
    doubled AS (
        SELECT call_id, count(*) AS times
        FROM calls
        GROUP BY call_id
        HAVING count(*) > 1
    ),
    broken AS (
        SELECT call_id, times
        FROM doubled
        UNION ALL
        SELECT call_id, 1
        FROM calls
        ANTI JOIN sources USING (source_id)
    )
SELECT concat(sources.name, ':', calls.line) AS what, calls.call_id, times
FROM broken
JOIN calls USING (call_id)
LEFT JOIN sources USING (source_id)
ORDER BY calls.call_id, what;
