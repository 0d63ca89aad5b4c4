-- Purpose: what was added up of a source when it was read is what its calls add up to.
-- Grain:   one row a source that breaks this
-- Reads:   summed, day_cells, source_sums (of replay/source_sums), sources
--
-- Sources that are not added up, as after an older audit wrote to the store, are looked up in the calls.
WITH
    added AS (
        SELECT
            source_id,
            sum(calls) AS calls,
            sum(input_tokens) AS input_tokens,
            sum(cache_read_tokens) AS cache_read_tokens,
            sum(cache_write_tokens) AS cache_write_tokens,
            sum(output_tokens) AS output_tokens,
            sum(reasoning_tokens) AS reasoning_tokens,
            sum(recorded_usd) AS recorded_usd
        FROM day_cells
        GROUP BY source_id
    )
SELECT
    'source ' || name AS what,
    added.calls,
    stored.calls AS stored_calls,
    added.input_tokens + added.cache_read_tokens + added.cache_write_tokens AS tokens_in,
    stored.input_tokens + stored.cache_read_tokens + stored.cache_write_tokens AS stored_tokens_in,
    added.output_tokens + added.reasoning_tokens AS tokens_out,
    stored.output_tokens + stored.reasoning_tokens AS stored_tokens_out
FROM summed
JOIN sources USING (source_id)
JOIN added USING (source_id)
JOIN source_sums AS stored USING (source_id)
WHERE added.calls = stored.calls
  AND (
        added.input_tokens, added.cache_read_tokens, added.cache_write_tokens,
        added.output_tokens, added.reasoning_tokens, added.recorded_usd
    ) IS DISTINCT FROM (
        stored.input_tokens, stored.cache_read_tokens, stored.cache_write_tokens,
        stored.output_tokens, stored.reasoning_tokens, stored.recorded_usd
    )
ORDER BY what;
