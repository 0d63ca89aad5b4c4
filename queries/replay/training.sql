-- Purpose: what the training costs that scenarios need once, before any call is moved.
-- Grain:   scenario
-- Reads:   trainings (scenario, move, training_tokens, training_usd per token)
SELECT
    scenario,
    sum(training_tokens)::BIGINT AS training_tokens,
    sum(token_cost(training_tokens, training_usd)) AS training_usd
FROM trainings
GROUP BY ALL
ORDER BY scenario;
