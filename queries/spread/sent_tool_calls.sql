-- Purpose: how many calls use functions or tools, to be sent home.
-- Grain:   as tool_calls
-- Reads:   tool_calls
SELECT workload, calls
FROM tool_calls
ORDER BY ALL;
