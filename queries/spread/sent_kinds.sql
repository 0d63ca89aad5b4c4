-- Purpose: kinds of calls, to be sent home.
-- Grain:   as kinds
-- Reads:   kinds
SELECT workload, served
FROM kinds
ORDER BY ALL;
