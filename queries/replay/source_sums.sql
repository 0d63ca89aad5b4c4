-- Purpose: what the calls of each source come to.
-- Grain:   one row a source that has some
-- Reads:   calls
-- Writes:  source_sums
CREATE OR REPLACE TEMP TABLE source_sums AS
SELECT
    source_id,
    count(*) AS calls,
    sum(input_tokens) AS input_tokens,
    sum(cache_read_tokens) AS cache_read_tokens,
    sum(cache_write_tokens) AS cache_write_tokens,
    sum(output_tokens) AS output_tokens,
    sum(reasoning_tokens) AS reasoning_tokens,
    sum(recorded_usd) AS recorded_usd
FROM calls
GROUP BY source_id;
