-- Purpose: how many sums are counted in a month.
-- Grain:   one row
-- Reads:   logged, buckets
-- Params:  $month (its first day), $ends (the first day of the next), $zone
SELECT count(*)::BIGINT AS sums
FROM logged, period_of($month::DATE, $ends::DATE, $zone) AS closed
WHERE called_at >= closed.begins_at AND called_at < closed.ends_at
  AND call_id IN (SELECT call_id FROM buckets);
