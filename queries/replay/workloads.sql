-- Purpose: the kinds of calls, in order.
-- Grain:   as kinds
-- Reads:   kinds
SELECT workload, served
FROM kinds
ORDER BY workload, served;
