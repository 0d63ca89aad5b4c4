-- Purpose: the workloads that the stored calls belong to, and the models that answered them.
-- Grain:   workload ('': calls that show neither tag nor text) × model ('': not named)
-- Reads:   calls
-- Writes:  kinds
CREATE OR REPLACE TEMP TABLE kinds AS
SELECT DISTINCT
    coalesce(workload, '') AS workload,
    coalesce(served_model, requested_model, '') AS served
FROM calls;
