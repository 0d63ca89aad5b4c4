-- Purpose: beside FOCUS: what the same calls would have cost; no charges, nobody bills them
-- Grain:   scenario × day × sub account × tags × booking × outcome × model
-- Reads:   scenario_costs, asked_scenarios, account
-- By:      day, booking, tag:project, tag:team, tag:key
-- Each:    replay/scenario_costs
-- Params:  $zone
-- Columns:
--     BillingAccountId     billing_account_id of [focus] in audit.toml
--     BillingAccountName   billing_account_name, else the id
--     BillingCurrency      USD
--     BillingPeriodEnd     first moment of the next month of the zone, in UTC: not in it
--     BillingPeriodStart   first moment of the month of the zone, in UTC
--     ChargePeriodEnd      first moment of the next day of the zone, in UTC: not in it
--     ChargePeriodStart    first moment of the day of the zone, in UTC
--     SubAccountId         value of the tag project (or --focus-sub-account TAG); empty: none
--     SubAccountName       likewise
--     SubAccountType       name of that tag
--     Tags                 JSON: team, and the tag key as x_ApiKeyId, where the calls have them
--     x_ActualCost         what these calls cost as they were; empty where one has no price
--     x_Booking            open; or of a closed month: closed, and correction for what came later
--     x_Calls              calls
--     x_InputTokens        tokens sent, after the scenario's cuts; a millionth is the least
--     x_ModelId            where the scenario sends them; empty: they stay, or nothing can take
--                          them
--     x_Outcome            fits, overflows (no window is large enough) or unpriced
--     x_OutputTokens       tokens answered, likewise
--     x_PricedAs           the row of the price book
--     x_ScenarioCost       what the scenario asks for them, every digit; empty unless they fit
--     x_ScenarioId         the scenario
--     x_ScenarioName       its title
--     x_TimeZone           the zone whose days and months the periods are
--
-- No column of cost is one of FOCUS (BilledCost, EffectiveCost, ListCost, ContractedCost), so that no
-- reader of charges can add these up. What scenarios train once has no day: see manifest.json.
WITH
    costs AS (
        SELECT
            by_1::DATE AS day,
            date_trunc('month', by_1::DATE)::DATE AS month,
            by_2 AS booking,
            nullif(by_3, '') AS sub_account,
            nullif(by_4, '') AS team,
            nullif(by_5, '') AS api_key,
            scenario_costs.*
        FROM scenario_costs
        WHERE by_1 <> ''
    )
SELECT
    billing_account_id AS BillingAccountId,
    billing_account_name AS BillingAccountName,
    'USD' AS BillingCurrency,
    focus_moment(month + INTERVAL 1 MONTH, $zone) AS BillingPeriodEnd,
    focus_moment(month, $zone) AS BillingPeriodStart,
    focus_moment(day + INTERVAL 1 DAY, $zone) AS ChargePeriodEnd,
    focus_moment(day, $zone) AS ChargePeriodStart,
    sub_account AS SubAccountId,
    sub_account AS SubAccountName,
    CASE WHEN sub_account IS NOT NULL THEN sub_account_type END AS SubAccountType,
    focus_tags(team, api_key) AS Tags,
    actual_usd AS x_ActualCost,
    booking AS x_Booking,
    calls AS x_Calls,
    input_tokens AS x_InputTokens,
    target AS x_ModelId,
    outcome AS x_Outcome,
    output_tokens AS x_OutputTokens,
    priced_as AS x_PricedAs,
    cost_usd AS x_ScenarioCost,
    asked_scenarios.name AS x_ScenarioId,
    asked_scenarios.title AS x_ScenarioName,
    $zone AS x_TimeZone
FROM costs
JOIN asked_scenarios USING (scenario)
CROSS JOIN account
ORDER BY scenario, day, sub_account NULLS FIRST, team NULLS FIRST, api_key NULLS FIRST, outcome,
    target NULLS FIRST, priced_as NULLS FIRST, booking;
