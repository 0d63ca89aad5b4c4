-- Purpose: the actual cost as finely as two runs are compared.
-- Grain:   day × booking × source × model names × tier × rates × outcome
-- Reads:   actual, names (by_1 is the day, by_2 booking, by_3 the source)
SELECT
    nullif(by_1, '') AS day,
    by_2 AS booking,
    by_3 AS source_sha256,
    nullif(requested_model, '') AS requested_model,
    nullif(served_model, '') AS served_model,
    tier,
    CASE
        WHEN state = 'failed' THEN 'failed'
        WHEN actual_usd IS NULL THEN 'unpriced'
        ELSE 'priced'
    END AS outcome,
    actual.model AS priced_as,
    input_usd, cache_read_usd, cache_write_usd, output_usd,
    sum(calls)::BIGINT AS calls,
    sum(input_tokens)::DECIMAL(38, 6) AS input_tokens,
    sum(cache_read_tokens)::DECIMAL(38, 6) AS cache_read_tokens,
    sum(cache_write_tokens)::DECIMAL(38, 6) AS cache_write_tokens,
    sum(produced_tokens)::DECIMAL(38, 6) AS output_tokens,
    sum(actual_usd)::DECIMAL(38, 18) AS cost_usd
FROM actual
LEFT JOIN names USING (closing, epoch, requested_model, served_model, tier, prompt_step)
GROUP BY ALL
ORDER BY ALL;
