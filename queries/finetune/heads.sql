-- Purpose: the sampled prompts of a period.
-- Grain:   one row a sampled call
-- Reads:   heads
-- Params:  $from_date, $to_date, $zone (as replay/cells), $by_workload
WITH
    period AS (
        SELECT
            timezone('UTC', timezone($zone, $from_date::TIMESTAMP)) AS begins_at,
            timezone('UTC', timezone($zone, $to_date::TIMESTAMP)) AS ends_at
    )
SELECT
    CASE WHEN $by_workload THEN workload ELSE '' END AS workload, encoding, messages, parts
FROM heads, period
WHERE (begins_at IS NULL OR called_at >= begins_at)
  AND (ends_at IS NULL OR called_at < ends_at)
ORDER BY workload, encoding, rank, prompt;
