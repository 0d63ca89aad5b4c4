-- Purpose: what is kept of the sampled prompts: workloads.
-- Grain:   as workloads
-- Reads:   workloads
SELECT *
FROM workloads
ORDER BY ALL;
