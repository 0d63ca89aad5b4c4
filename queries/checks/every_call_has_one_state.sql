-- Purpose: a call is priced, unpriced for a reason, or failed without tokens and cost.
-- Grain:   one row a cell that breaks this
-- Reads:   actual
SELECT
    concat(state, ' calls of ', coalesce(nullif(served_model, ''), requested_model)) AS what,
    tier,
    reason,
    calls,
    prompt_tokens,
    produced_tokens,
    actual_usd
FROM actual
WHERE state NOT IN ('counted', 'failed', 'uncounted', 'audio')
   OR (actual_usd IS NULL AND coalesce(reason, '') = '' AND state <> 'uncounted')
   OR (state = 'failed' AND actual_usd IS DISTINCT FROM 0)
   OR (state IN ('failed', 'uncounted') AND prompt_tokens + produced_tokens <> 0)
   OR (actual_usd < 0 AND least(
        input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens
    ) >= 0)
ORDER BY what, tier, reason, cell;
