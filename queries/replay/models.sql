-- Purpose: the model names of the logs, and where each led.
-- Grain:   model names × tier × row of the price book
-- Reads:   actual
SELECT
    nullif(requested_model, '') AS requested_model,
    nullif(served_model, '') AS served_model,
    tier,
    model AS priced_as,
    CASE WHEN model IS NOT NULL THEN basis END AS basis,
    sum(calls)::BIGINT AS calls,
    sum(prompt_tokens)::BIGINT AS input_tokens,
    sum(produced_tokens)::BIGINT AS output_tokens,
    coalesce(
        sum(actual_usd) FILTER (state <> 'failed'),
        CASE WHEN bool_and(state = 'failed') THEN 0::DECIMAL(38, 12) END
    ) AS cost_usd
FROM actual
GROUP BY ALL
ORDER BY calls DESC, requested_model NULLS FIRST, served_model NULLS FIRST, tier, priced_as;
