-- Purpose: models against scenarios: what the calls of each would cost elsewhere
-- Grain:   model as logged
-- Reads:   measures
-- By:      model, booking
-- Once:    replay/spent
-- Each:    replay/scenarios
-- Columns:
--     model                the name in the log: of the model that served, else of the one asked for
--     NAME_cost_usd        actual, then every scenario: cost of the calls that it prices
--     NAME_delta_usd       its cost less the actual cost, of the calls that have both
--     NAME_left_out        calls that it cannot price or that outgrow its window: no saving
PIVOT (
    SELECT
        by_1 AS model, name,
        cost_usd, delta_usd,
        overflows + unpriced AS left_out
    FROM measures
    WHERE NOT is_nothing
)
ON name
USING
    sum(cost_usd) AS cost_usd,
    sum(delta_usd) AS delta_usd,
    sum(left_out)::BIGINT AS left_out
GROUP BY model
ORDER BY model NULLS FIRST;
