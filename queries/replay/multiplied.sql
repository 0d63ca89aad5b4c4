-- Purpose: the multiplication behind each figure of the one call that is being explained.
-- Grain:   scenario (NULL: the actual cost) × meter with tokens
-- Reads:   actual, names, card (of one call)
--
-- tokens are whole unless a move keeps a share of them; cost_usd is exact either way.
WITH
    rated AS (
        SELECT NULL::INTEGER AS scenario, actual.*, names.input_usd, names.cache_read_usd,
            names.cache_write_usd, names.output_usd, 1::DECIMAL(7, 6) AS kept,
            0::DECIMAL(7, 6) AS cut_calls, 1::DECIMAL(7, 6) AS output
        FROM actual
        JOIN names USING (closing, epoch, requested_model, served_model, tier, prompt_step)
        UNION ALL BY NAME
        SELECT card.scenario, actual.*, card.input_usd, card.cache_read_usd,
            card.cache_write_usd, card.output_usd, card.kept, card.cut_calls, card.output
        FROM actual
        JOIN card USING (
            closing, epoch, tier, window_step, prompt_step, moved_window_step, moved_prompt_step, move
        )
        WHERE card.outcome = 'fits' AND NOT card.stays AND actual.movable
    ),
    meters AS (
        SELECT scenario, 1 AS place, 'input' AS meter, input_tokens AS tokens,
            cut_input_tokens AS cut, kept, cut_calls, input_usd AS usd_per_token
        FROM rated
        UNION ALL
        SELECT scenario, 2, 'cache read', cache_read_tokens, cut_cache_read_tokens, kept, cut_calls,
            cache_read_usd
        FROM rated
        UNION ALL
        SELECT scenario, 3, 'cache write', cache_write_tokens, cut_cache_write_tokens, kept,
            cut_calls, cache_write_usd
        FROM rated
        UNION ALL
        SELECT scenario, 4, 'output', output_tokens, 0, output, 0, output_usd FROM rated
        UNION ALL
        SELECT scenario, 5, 'reasoning', reasoning_tokens, 0, output, 0, output_usd FROM rated
    )
SELECT
    scenario,
    meter,
    tokens::DECIMAL(20, 0) * kept - cut::DECIMAL(20, 0) * cut_calls::DECIMAL(7, 6) AS tokens,
    (usd_per_token * 1000)::DECIMAL(18, 9) AS rate_usd_per_1k,
    token_cost(tokens, usd_per_token) * kept
        - token_cost(cut, usd_per_token) * cut_calls::DECIMAL(7, 6) AS cost_usd
FROM meters
WHERE tokens > 0
ORDER BY scenario NULLS FIRST, place;
