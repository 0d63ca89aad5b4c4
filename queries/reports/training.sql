-- Purpose: what scenarios train, once, before any call is moved
-- Grain:   scenario that trains
-- Reads:   training, asked_scenarios
-- By:      booking
-- Each:    replay/training
-- Columns:
--     name                 the scenario
--     training_tokens      billed tokens: examples × epochs
--     training_usd         their price; in no cost_usd of the other reports
--     total_usd            cost of the scenario and training
SELECT
    name,
    training_tokens,
    training_usd::DECIMAL(38, 18) AS training_usd,
    total_usd::DECIMAL(38, 18) AS total_usd
FROM training
JOIN asked_scenarios USING (scenario)
ORDER BY scenario;
