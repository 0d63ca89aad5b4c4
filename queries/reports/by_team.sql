-- Purpose: cost of each team
-- Grain:   team × your dimensions × booking × actual cost or scenario
-- Reads:   measures
-- By:      team, booking, ...
-- Once:    replay/spent
-- Each:    replay/scenarios
-- Columns:
--     team                 the tag team; empty: calls without one
--     booking              open; or of a closed month: closed, and correction for what came later
--     name                 actual, or the scenario
--     calls                calls; of a scenario those that it can move, so no failed ones and no
--                          embeddings
--     failed               failed calls without usage, which cost nothing (row actual)
--     fits                 calls that are priced: of a scenario those that fit its window
--     overflows            calls that outgrow the scenario's window: no saving
--     unpriced             calls whose cost nobody knows: in no total
--     input_tokens         tokens sent, of a scenario by the calls that fit
--     output_tokens        tokens answered, likewise
--     cost_usd             cost of the calls that fit, every digit
--     cost_usd_rounded     the same in cents, rounded by itself (halves away from zero)
--     compared_calls       calls that fit and whose actual cost is known
--     compared_usd         the scenario's cost of these
--     actual_usd           the actual cost of these
--     delta_usd            compared_usd - actual_usd
--     ratio                compared_usd / actual_usd, six decimals
SELECT
    by_1 AS team,
    by_3, by_4, by_5, by_6,
    coalesce(by_2, 'open') AS booking,
    name,
    calls,
    failed,
    fits,
    overflows,
    unpriced,
    input_tokens,
    output_tokens,
    cost_usd,
    round(cost_usd, 2) AS cost_usd_rounded,
    compared_calls,
    compared_usd,
    actual_usd,
    delta_usd,
    ratio
FROM measures
WHERE NOT is_nothing
ORDER BY by_1 NULLS FIRST, by_3 NULLS FIRST, by_4 NULLS FIRST, by_5 NULLS FIRST, by_6 NULLS FIRST,
    booking, place;
