-- Purpose: how each workload was found, and what its tag calls it.
-- Grain:   workload
-- Reads:   workloads
SELECT workload, found_by, label
FROM workloads
ORDER BY workload;
