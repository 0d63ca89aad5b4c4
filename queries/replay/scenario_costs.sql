-- Purpose: what scenarios ask for the calls they can move, with what these cost as they were.
-- Grain:   scenario × dimensions × outcome × target × model of its price
-- Reads:   ledger
--
-- cost_usd is NULL unless the calls fit; actual_usd is NULL where one of the calls has no price, and
-- compared_calls counts those that have one.
SELECT
    scenario, by_1, by_2, by_3, by_4, by_5, by_6,
    outcome,
    target,
    priced_as,
    sum(calls)::BIGINT AS calls,
    sum(prompt_tokens)::DECIMAL(38, 6) AS input_tokens,
    sum(produced_tokens)::DECIMAL(38, 6) AS output_tokens,
    sum(replayed_usd)::DECIMAL(38, 18) AS cost_usd,
    coalesce(sum(calls) FILTER (actual_usd IS NOT NULL), 0)::BIGINT AS compared_calls,
    CASE WHEN count(actual_usd) = count(*) THEN sum(actual_usd) END::DECIMAL(38, 18) AS actual_usd
FROM ledger
GROUP BY ALL
ORDER BY ALL;
