-- Purpose: no call and no token is lost or doubled between the cells, the cube and the actual cost.
-- Grain:   one row a stage (cells, cube, actual) when they differ
-- Reads:   cells, cube, actual
WITH
    totals AS (
        SELECT 'cells' AS stage, sum(calls) AS calls,
            sum(input_tokens + cache_read_tokens + cache_write_tokens) AS prompt_tokens,
            sum(output_tokens + reasoning_tokens) AS produced_tokens,
            sum(recorded_usd) AS recorded_usd
        FROM cells
        UNION ALL
        SELECT 'cube', sum(calls), sum(prompt_tokens), sum(produced_tokens), sum(recorded_usd)
        FROM cube
        UNION ALL
        SELECT 'actual', sum(calls), sum(prompt_tokens), sum(produced_tokens), sum(recorded_usd)
        FROM actual
    ),
    differing AS (
        SELECT count(DISTINCT (calls, prompt_tokens, produced_tokens, recorded_usd)) > 1 AS is_so
        FROM totals
    )
SELECT 'the stage ' || stage AS what, calls, prompt_tokens, produced_tokens, recorded_usd
FROM totals, differing
WHERE is_so
ORDER BY what;
