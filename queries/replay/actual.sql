-- Purpose: what the logged calls cost at the dated price of the model that served them.
-- Grain:   as cube
-- Reads:   cube, names (the rate card of the logged models)
-- Writes:  actual
--
-- actual_usd is NULL where no rate is known: unpriced is never zero. Failed calls without usage
-- cost nothing.

CREATE OR REPLACE TEMP TABLE actual AS
SELECT
    cube.*,
    names.model,
    names.basis,
    names.certain,
    CASE state
        WHEN 'counted' THEN
            token_cost(input_tokens, input_usd)
            + token_cost(cache_read_tokens, cache_read_usd)
            + token_cost(cache_write_tokens, cache_write_usd)
            + token_cost(output_tokens + reasoning_tokens, output_usd)
        WHEN 'failed' THEN 0
    END AS actual_usd,
    CASE state
        WHEN 'uncounted' THEN problem
        WHEN 'audio' THEN 'audio tokens have no rate in the book'
        WHEN 'failed' THEN ''
        ELSE coalesce(names.reason, 'its output has no rate in the book')
    END AS reason
FROM cube
LEFT JOIN names USING (closing, epoch, requested_model, served_model, tier, prompt_step);
