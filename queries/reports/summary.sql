-- Purpose: the period at a glance: the actual cost, and each scenario beside it
-- Grain:   your dimensions × booking × actual cost or scenario
-- Reads:   measures
-- By:      booking, ...
-- Once:    replay/spent
-- Each:    replay/scenarios
-- Params:  $period_from, $period_to, $zone
-- Columns:
--     period_from          first day
--     period_to            first day no longer in
--     timezone             the zone of these days
--     booking              open; or of closed months: closed, and correction for what came later
--     name                 actual, or the scenario
--     title                what it is
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
--     doubtful_calls       calls priced by rows that the book marks as likely (row actual)
--     doubtful_usd         their cost
--     recorded_calls       calls whose cost the log itself claims (row actual)
--     recorded_usd         that claim
--     recorded_actual_usd  the actual cost of those of them that are priced
--
-- What scenarios train, once and for all calls, is in the reports training and bridge.
SELECT
    $period_from::DATE AS period_from,
    $period_to::DATE AS period_to,
    $zone AS timezone,
    by_2, by_3, by_4, by_5, by_6,
    coalesce(by_1, 'open') AS booking,
    name,
    title,
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
    ratio,
    doubtful_calls,
    doubtful_usd,
    recorded_calls,
    recorded_usd,
    recorded_actual_usd
FROM measures
ORDER BY by_2 NULLS FIRST, by_3 NULLS FIRST, by_4 NULLS FIRST, by_5 NULLS FIRST, by_6 NULLS FIRST,
    booking, place;
