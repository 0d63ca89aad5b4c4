-- Purpose: what scenarios train before any call is moved, and what they come to with it.
-- Grain:   scenario of this pass that trains
-- Reads:   trainings (scenario, move, training_tokens, training_usd per token), asked, ledger
WITH
    trained AS (
        SELECT
            scenario,
            sum(training_tokens)::BIGINT AS training_tokens,
            sum(token_cost(training_tokens, training_usd)) AS training_usd
        FROM trainings
        JOIN asked USING (scenario)
        GROUP BY ALL
    ),
    moved AS (
        SELECT scenario, sum(replayed_usd) AS cost_usd
        FROM ledger
        GROUP BY ALL
    )
SELECT scenario, training_tokens, training_usd, cost_usd + training_usd AS total_usd
FROM trained
LEFT JOIN moved USING (scenario)
ORDER BY scenario;
