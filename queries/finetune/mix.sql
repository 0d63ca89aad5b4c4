-- Purpose: what all calls cost when some workloads are moved and the rest stays.
-- Grain:   one row
-- Reads:   ledger (position 0: all calls moved, each workload with its levers), moved (workload,
--          training_tokens, training_usd per token)
WITH
    cells AS (
        SELECT
            ledger.calls,
            ledger.actual_usd,
            CASE WHEN moved.workload IS NULL THEN ledger.actual_usd::DECIMAL(38, 18)
                ELSE ledger.replayed_usd END AS cost_usd
        FROM ledger
        LEFT JOIN moved USING (workload)
        WHERE scenario = 0
    ),
    trained AS (
        SELECT
            sum(training_tokens)::BIGINT AS training_tokens,
            sum(token_cost(training_tokens, training_usd)) AS training_usd
        FROM moved
    )
SELECT
    coalesce(sum(calls), 0)::BIGINT AS calls,
    sum(cost_usd) AS cost_usd,
    sum(actual_usd) FILTER (cost_usd IS NOT NULL) AS actual_usd,
    any_value(training_tokens) AS training_tokens,
    any_value(training_usd) AS training_usd,
    sum(cost_usd) + any_value(training_usd) AS total_usd
FROM cells, trained;
