-- Purpose: add up what several machines counted.
-- Grain:   as tool_calls (finetune/usable)
-- Reads:   partial (a frame in memory: rows of tool_calls)
-- Writes:  tool_calls
CREATE OR REPLACE TEMP TABLE tool_calls AS
SELECT workload, sum(calls)::BIGINT AS calls
FROM partial
GROUP BY workload;
