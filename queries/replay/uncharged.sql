-- Purpose: the calls that have no charge of a day, and why.
-- Grain:   why (failed, undated, unpriced) × model as logged × reason
-- Reads:   actual (by_1 is the day, '' where the call has none)
--
-- cost_usd is what undated calls cost: known, but in no day. An undated call without a price is
-- unpriced.
SELECT
    CASE
        WHEN state = 'failed' THEN 'failed'
        WHEN actual_usd IS NULL THEN 'unpriced'
        ELSE 'undated'
    END AS why,
    coalesce(nullif(served_model, ''), requested_model) AS model,
    CASE
        WHEN state = 'failed' THEN 'costs nothing'
        WHEN actual_usd IS NULL THEN reason
        ELSE 'has no date'
    END AS reason,
    sum(calls)::BIGINT AS calls,
    sum(prompt_tokens)::BIGINT AS input_tokens,
    sum(produced_tokens)::BIGINT AS output_tokens,
    (sum(actual_usd) FILTER (state <> 'failed'))::DECIMAL(38, 12) AS cost_usd
FROM actual
WHERE state = 'failed' OR actual_usd IS NULL OR by_1 = ''
GROUP BY ALL
ORDER BY ALL;
