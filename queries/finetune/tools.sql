-- Purpose: calls that could be trained on but for their functions or tools.
-- Grain:   workload that has some ('': calls of none, or all of them)
-- Reads:   tool_calls
-- Params:  $by_workload
SELECT
    CASE WHEN $by_workload THEN workload ELSE '' END AS workload,
    sum(calls)::BIGINT AS calls
FROM tool_calls
GROUP BY ALL
ORDER BY workload;
