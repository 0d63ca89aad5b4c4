-- Purpose: what is added up of the calls is of sources that there are, no more than these hold.
-- Grain:   one row a source that breaks this
-- Reads:   day_cells, sources
WITH added AS (
    SELECT
        source_id,
        sum(calls) AS calls,
        min(calls) AS fewest,
        min(least(
            input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens
        )) AS fewest_tokens
    FROM day_cells
    GROUP BY source_id
)
SELECT
    coalesce('source ' || name, concat('no source ', source_id)) AS what,
    calls,
    records,
    fewest_tokens
FROM added
LEFT JOIN sources USING (source_id)
WHERE name IS NULL
   OR calls > records
   OR fewest < 1
   OR fewest_tokens < 0
ORDER BY what;
