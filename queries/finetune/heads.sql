-- Purpose: the sampled prompts of a period.
-- Grain:   one row a sampled call
-- Reads:   heads
--
-- One export may know when a call was made and another not: it is measured once.
-- Params:  $from_date, $to_date, $zone (as replay/cells), $by_workload
SELECT DISTINCT ON (heads.workload, encoding, rank, prompt)
    CASE WHEN $by_workload THEN heads.workload ELSE '' END AS workload, encoding, messages, parts
FROM heads, period_of($from_date, $to_date, $zone)
WHERE (begins_at IS NULL OR called_at >= begins_at)
  AND (ends_at IS NULL OR called_at < ends_at)
ORDER BY heads.workload, encoding, rank, prompt, month;
