-- Purpose: the multiplication behind each figure of the one call that is being explained.
-- Grain:   scenario (NULL: the actual cost) × meter with tokens
-- Reads:   actual, names, card (of one call)
WITH
    rated AS (
        SELECT NULL::INTEGER AS scenario, actual.*, names.input_usd, names.cache_read_usd,
            names.cache_write_usd, names.output_usd
        FROM actual
        JOIN names USING (epoch, requested_model, served_model, tier, prompt_step)
        UNION ALL BY NAME
        SELECT card.scenario, actual.*, card.input_usd, card.cache_read_usd,
            card.cache_write_usd, card.output_usd
        FROM actual
        JOIN card USING (epoch, tier, window_step, prompt_step)
        WHERE card.outcome = 'fits' AND actual.movable
    ),
    meters AS (
        SELECT scenario, 1 AS place, 'input' AS meter, input_tokens AS tokens,
            input_usd AS usd_per_token
        FROM rated
        UNION ALL
        SELECT scenario, 2, 'cache read', cache_read_tokens, cache_read_usd FROM rated
        UNION ALL
        SELECT scenario, 3, 'cache write', cache_write_tokens, cache_write_usd FROM rated
        UNION ALL
        SELECT scenario, 4, 'output', output_tokens, output_usd FROM rated
        UNION ALL
        SELECT scenario, 5, 'reasoning', reasoning_tokens, output_usd FROM rated
    )
SELECT
    scenario,
    meter,
    tokens::BIGINT AS tokens,
    (usd_per_token * 1000)::DECIMAL(18, 9) AS rate_usd_per_1k,
    token_cost(tokens, usd_per_token) AS cost_usd
FROM meters
WHERE tokens > 0
ORDER BY scenario NULLS FIRST, place;
