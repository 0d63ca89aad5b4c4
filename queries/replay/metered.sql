-- Purpose: the priced calls on each meter, with the rate that holds there.
-- Grain:   dimensions × model as logged × model of the price × tier × meter × rate, with tokens
-- Reads:   actual, names
--
-- cost_usd of all rows is the actual cost, to the last digit: tokens × rate, as in replay/actual.
-- Where a correction takes out what it puts in, no tokens and no row are left.
WITH
    rated AS (
        SELECT
            by_1, by_2, by_3, by_4, by_5, by_6,
            coalesce(nullif(served_model, ''), requested_model) AS logged_model,
            actual.model AS priced_as,
            tier,
            unnest([
                {meter: 'input', place: 1, tokens: input_tokens, rate: input_usd},
                {meter: 'cache_read', place: 2, tokens: cache_read_tokens, rate: cache_read_usd},
                {meter: 'cache_write', place: 3, tokens: cache_write_tokens, rate: cache_write_usd},
                {meter: 'output', place: 4, tokens: output_tokens, rate: output_usd},
                {meter: 'reasoning', place: 5, tokens: reasoning_tokens, rate: output_usd}
            ]) AS metered
        FROM actual
        JOIN names USING (closing, epoch, requested_model, served_model, tier, prompt_step)
        WHERE state = 'counted' AND actual_usd IS NOT NULL
    )
SELECT
    by_1, by_2, by_3, by_4, by_5, by_6,
    logged_model,
    priced_as,
    tier,
    metered.place AS place,
    metered.meter AS meter,
    metered.rate AS usd_per_token,
    sum(metered.tokens)::BIGINT AS tokens,
    sum(token_cost(metered.tokens, metered.rate))::DECIMAL(38, 12) AS cost_usd
FROM rated
WHERE metered.tokens <> 0
GROUP BY ALL
HAVING sum(metered.tokens) <> 0
ORDER BY ALL;
