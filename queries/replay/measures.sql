-- Purpose: the actual cost and every scenario in one table, for the reports.
-- Grain:   dimensions × actual cost (place 0) or scenario
-- Reads:   spent, scenarios (gathered rows of these queries), asked_scenarios
-- Writes:  measures (a temporary view)
--
-- Of the actual cost fits are the priced calls, which are compared with themselves. Where no call
-- is in the period there is one row each without dimensions (is_nothing).
CREATE OR REPLACE TEMP VIEW measures AS
SELECT
    0 AS place,
    is_total AS is_nothing,
    'actual' AS name,
    'the logged traffic at dated prices' AS title,
    by_1, by_2, by_3, by_4, by_5, by_6,
    calls,
    failed,
    priced AS fits,
    0::BIGINT AS overflows,
    unpriced,
    input_tokens,
    output_tokens,
    cost_usd::DECIMAL(38, 18) AS cost_usd,
    priced AS compared_calls,
    cost_usd::DECIMAL(38, 18) AS compared_usd,
    cost_usd::DECIMAL(38, 18) AS actual_usd,
    (cost_usd - cost_usd)::DECIMAL(38, 18) AS delta_usd,
    CASE WHEN cost_usd > 0 THEN 1::DECIMAL(38, 6) END AS ratio,
    doubtful_calls,
    doubtful_usd::DECIMAL(38, 18) AS doubtful_usd,
    recorded_calls,
    recorded_usd,
    recorded_actual_usd::DECIMAL(38, 18) AS recorded_actual_usd
FROM spent
WHERE NOT is_total OR NOT EXISTS (FROM spent WHERE NOT is_total)
UNION ALL BY NAME
SELECT
    scenario + 1 AS place,
    NOT EXISTS (FROM spent WHERE NOT is_total) AS is_nothing,
    name,
    title,
    by_1, by_2, by_3, by_4, by_5, by_6,
    calls,
    0::BIGINT AS failed,
    fits,
    overflows,
    unpriced,
    input_tokens,
    output_tokens,
    cost_usd::DECIMAL(38, 18) AS cost_usd,
    compared_calls,
    compared_usd::DECIMAL(38, 18) AS compared_usd,
    actual_usd::DECIMAL(38, 18) AS actual_usd,
    delta_usd::DECIMAL(38, 18) AS delta_usd,
    ratio
FROM scenarios
JOIN asked_scenarios USING (scenario);
