-- Purpose: what the actual cost rests on.
-- Grain:   basis (how the model's name led to its price)
-- Reads:   actual
SELECT
    basis,
    sum(calls)::BIGINT AS calls,
    sum(actual_usd) AS cost_usd
FROM actual
WHERE actual_usd IS NOT NULL AND state <> 'failed'
GROUP BY ALL
ORDER BY basis;
