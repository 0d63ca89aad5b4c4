-- Purpose: the sampled prompts of a period.
-- Grain:   one row a sampled call
-- Reads:   heads
-- Params:  $from_date, $to_date, $zone (as replay/cells), $by_workload
SELECT
    CASE WHEN $by_workload THEN workload ELSE '' END AS workload, encoding, messages, parts
FROM heads, period_of($from_date, $to_date, $zone)
WHERE (begins_at IS NULL OR called_at >= begins_at)
  AND (ends_at IS NULL OR called_at < ends_at)
ORDER BY workload, encoding, rank, prompt;
