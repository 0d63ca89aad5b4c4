-- Purpose: how long the drawn examples are, as they are billed.
-- Grain:   workload ('': calls of none, or all of them)
-- Reads:   drawn, levers (workload, trained_cut_tokens, kept_ppm)
-- Params:  $frame (tokens of an example beyond its prompt and answer), $limit (billed tokens of one)
WITH
    long AS (
        SELECT
            workload,
            share_up(
                prompt_tokens - least(trained_cut_tokens, prompt_tokens), kept_ppm
            ) + produced_tokens + $frame AS tokens
        FROM drawn
        JOIN levers USING (workload)
    )
SELECT
    workload,
    count(*)::BIGINT AS examples,
    sum(least(tokens, $limit))::BIGINT AS example_tokens,
    (count(*) FILTER (tokens > $limit))::BIGINT AS truncated
FROM long
GROUP BY workload
ORDER BY workload;
