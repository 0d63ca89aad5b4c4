-- Purpose: calls that could be trained on but for their functions or tools.
-- Grain:   workload that has some ('': calls of none, or all of them)
-- Reads:   usable
-- Params:  $by_workload
SELECT
    CASE WHEN $by_workload THEN workload ELSE '' END AS workload,
    count(*)::BIGINT AS calls
FROM usable
WHERE uses_tools
GROUP BY ALL
ORDER BY workload;
