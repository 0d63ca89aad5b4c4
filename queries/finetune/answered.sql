-- Purpose: the first answer of each model to each prompt.
-- Grain:   one row a prompt and model
-- Reads:   calls
-- Writes:  answered
-- Params:  $from_date, $to_date, $zone (as replay/cells)
CREATE OR REPLACE TEMP TABLE answered AS
SELECT
    prompt,
    coalesce(served_model, requested_model) AS model,
    min((
        coalesce(called_at, TIMESTAMP '0001-01-01'), call_id, coalesce(workload, ''),
        output_tokens + reasoning_tokens
    )) AS first
FROM calls, period_of($from_date, $to_date, $zone)
WHERE (begins_at IS NULL OR called_at >= begins_at)
  AND (ends_at IS NULL OR called_at < ends_at)
  AND prompt IS NOT NULL
  AND coalesce(served_model, requested_model) IS NOT NULL
  AND NOT failed AND counted_by <> 'nobody' AND output_tokens > 0
GROUP BY ALL;
