-- Purpose: the result: one row a scenario, or a scenario and group.
-- Grain:   scenario × dimensions; every scenario asked for has a row in every group
-- Reads:   ledger, actual, asked (the positions of the scenarios)
--
-- calls = fits + overflows + unpriced. Tokens and cost are those of the calls that fit.
-- actual_usd is the actual cost of the calls that this row priced and whose actual cost is known
-- (compared_calls); compared_usd is what the scenario asks for the same calls, so that delta and
-- ratio compare like with like. ratio is exact to six decimals, in whole numbers of 10^-12 USD.

WITH
    groups AS (
        SELECT DISTINCT by_1, by_2, by_3, by_4, by_5, by_6
        FROM actual
        UNION ALL
        SELECT '', '', '', '', '', ''
        WHERE NOT EXISTS (FROM actual)
    ),
    summed AS (
        SELECT
            scenario, by_1, by_2, by_3, by_4, by_5, by_6,
            coalesce(sum(calls), 0) AS calls,
            coalesce(sum(calls) FILTER (outcome = 'fits'), 0) AS fits,
            coalesce(sum(calls) FILTER (outcome = 'overflows'), 0) AS overflows,
            coalesce(sum(calls) FILTER (outcome = 'unpriced'), 0) AS unpriced,
            coalesce(sum(prompt_tokens) FILTER (outcome = 'fits'), 0) AS input_tokens,
            coalesce(sum(produced_tokens) FILTER (outcome = 'fits'), 0) AS output_tokens,
            sum(replayed_usd) AS cost_usd,
            coalesce(sum(calls) FILTER (outcome = 'fits' AND actual_usd IS NOT NULL), 0)
                AS compared_calls,
            sum(replayed_usd) FILTER (actual_usd IS NOT NULL) AS compared_usd,
            sum(actual_usd) FILTER (outcome = 'fits') AS actual_usd
        FROM asked
        CROSS JOIN groups
        LEFT JOIN ledger USING (scenario, by_1, by_2, by_3, by_4, by_5, by_6)
        GROUP BY ALL
    ),
    compared AS (
        SELECT
            *,
            compared_usd - actual_usd AS delta_usd,
            (compared_usd::DECIMAL(38, 12) * 1000000000000)::HUGEINT AS compared_units,
            (actual_usd::DECIMAL(38, 12) * 1000000000000)::HUGEINT AS actual_units
        FROM summed
    )
SELECT
    scenario,
    nullif(by_1, '') AS by_1, nullif(by_2, '') AS by_2,
    nullif(by_3, '') AS by_3, nullif(by_4, '') AS by_4,
    nullif(by_5, '') AS by_5, nullif(by_6, '') AS by_6,
    calls::BIGINT AS calls,
    fits::BIGINT AS fits,
    overflows::BIGINT AS overflows,
    unpriced::BIGINT AS unpriced,
    input_tokens::BIGINT AS input_tokens,
    output_tokens::BIGINT AS output_tokens,
    cost_usd,
    compared_calls::BIGINT AS compared_calls,
    compared_usd,
    actual_usd,
    delta_usd,
    CASE WHEN actual_units > 0 THEN
        (((compared_units * 2000000 + actual_units) // (actual_units * 2))::DECIMAL(38, 0)
            * 0.000001::DECIMAL(7, 6))::DECIMAL(38, 6)
    END AS ratio
FROM compared
ORDER BY by_1 NULLS FIRST, by_2 NULLS FIRST, by_3 NULLS FIRST, by_4 NULLS FIRST,
    by_5 NULLS FIRST, by_6 NULLS FIRST, scenario;
