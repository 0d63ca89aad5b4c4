-- Purpose: the workloads that the stored calls belong to, and the models that answered them.
-- Grain:   workload ('': calls that show neither tag nor text) × model ('': not named)
-- Reads:   calls
SELECT DISTINCT
    coalesce(workload, '') AS workload,
    coalesce(served_model, requested_model, '') AS served
FROM calls
ORDER BY workload, served;
