-- Purpose: no call is stored twice, and none is of a source that is not there.
-- Grain:   one row a call that breaks this
-- Reads:   calls, sources
--
-- Hashes are short: those that stand twice are few, and their calls alone are compared by their ids.
WITH
    met_again AS (
        SELECT hash(call_id) AS hashed
        FROM calls
        GROUP BY hashed
        HAVING count(*) > 1
    ),
    doubled AS (
        SELECT call_id, count(*) AS times
        FROM calls
        SEMI JOIN met_again ON hash(calls.call_id) = met_again.hashed
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
