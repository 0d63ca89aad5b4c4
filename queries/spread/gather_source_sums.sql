-- Purpose: add up what several machines added up.
-- Grain:   as source_sums (replay/source_sums)
-- Reads:   partial (a frame in memory: rows of source_sums)
-- Writes:  source_sums
CREATE OR REPLACE TEMP TABLE source_sums AS
SELECT
    source_id,
    sum(calls)::BIGINT AS calls,
    sum(input_tokens)::HUGEINT AS input_tokens,
    sum(cache_read_tokens)::HUGEINT AS cache_read_tokens,
    sum(cache_write_tokens)::HUGEINT AS cache_write_tokens,
    sum(output_tokens)::HUGEINT AS output_tokens,
    sum(reasoning_tokens)::HUGEINT AS reasoning_tokens,
    sum(recorded_usd)::DECIMAL(38, 24) AS recorded_usd
FROM partial
GROUP BY source_id;
