-- Purpose: which calls outgrow the windows of each scenario
-- Grain:   scenario × model as logged × your dimensions × booking
-- Reads:   measures, overflows, asked_scenarios
-- By:      model, booking, ...
-- Once:    replay/spent
-- Each:    replay/scenarios, replay/overflows
-- Columns:
--     name                    the scenario
--     model                   the name in the log: of the model that served, else of the one asked for
--     booking                 open; or of a closed month: closed, and correction for what came later
--     calls                   calls that the scenario can move
--     fits                    calls that fit and are priced
--     overflows               calls whose prompt and requested answer outgrow every window it has
--     overflow_share          overflows / calls, six decimals
--     overflow_input_tokens   tokens that these sent
--     overflow_output_tokens  tokens that answered them
--     overflow_actual_usd     what they cost as logged: no saving, they must stay where they are
WITH sized AS (
    SELECT *
    FROM measures
    WHERE place > 0 AND NOT is_nothing
)
SELECT
    sized.name,
    sized.by_1 AS model,
    sized.by_3, sized.by_4, sized.by_5, sized.by_6,
    coalesce(sized.by_2, 'open') AS booking,
    calls,
    fits,
    sized.overflows,
    millionths(nearest(sized.overflows::HUGEINT * 1000000, calls)) AS overflow_share,
    coalesce(overflow_input_tokens, 0) AS overflow_input_tokens,
    coalesce(overflow_output_tokens, 0) AS overflow_output_tokens,
    coalesce(overflow_actual_usd, CASE WHEN sized.overflows = 0 THEN 0::DECIMAL(38, 18) END)
        AS overflow_actual_usd
FROM sized
LEFT JOIN overflows
    ON overflows.scenario = sized.place - 1
    AND overflows.by_1 IS NOT DISTINCT FROM sized.by_1
    AND overflows.by_2 IS NOT DISTINCT FROM sized.by_2
    AND overflows.by_3 IS NOT DISTINCT FROM sized.by_3
    AND overflows.by_4 IS NOT DISTINCT FROM sized.by_4
    AND overflows.by_5 IS NOT DISTINCT FROM sized.by_5
    AND overflows.by_6 IS NOT DISTINCT FROM sized.by_6
ORDER BY place, sized.by_1 NULLS FIRST, sized.by_3 NULLS FIRST, sized.by_4 NULLS FIRST,
    sized.by_5 NULLS FIRST, sized.by_6 NULLS FIRST, booking;
