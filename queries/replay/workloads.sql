-- Purpose: the workloads that the stored calls belong to.
-- Grain:   one row a workload ('': calls that show neither tag nor text)
-- Reads:   calls
SELECT DISTINCT coalesce(workload, '') AS workload
FROM calls
ORDER BY workload;
