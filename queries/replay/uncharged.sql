-- Purpose: the calls that have no charge, and why.
-- Grain:   why (failed, unpriced, empty) × model as logged × reason
-- Reads:   actual
--
-- Failed calls cost nothing, and neither do empty ones, which have no token. Calls without a date
-- have no price and are unpriced.
SELECT
    CASE
        WHEN state = 'failed' THEN 'failed'
        WHEN actual_usd IS NULL THEN 'unpriced'
        ELSE 'empty'
    END AS why,
    coalesce(nullif(served_model, ''), requested_model) AS model,
    CASE
        WHEN state = 'failed' THEN 'costs nothing'
        WHEN actual_usd IS NULL THEN reason
        ELSE 'has no tokens'
    END AS reason,
    sum(calls)::BIGINT AS calls,
    sum(prompt_tokens)::BIGINT AS input_tokens,
    sum(produced_tokens)::BIGINT AS output_tokens
FROM actual
WHERE state = 'failed' OR actual_usd IS NULL OR prompt_tokens + produced_tokens = 0
GROUP BY ALL
ORDER BY ALL;
