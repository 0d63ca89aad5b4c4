-- Purpose: how long calls are, in steps of the windows that the scenarios have.
-- Grain:   window step (0: fits the smallest window)
-- Reads:   actual
SELECT
    window_step,
    sum(calls)::BIGINT AS calls,
    sum(prompt_tokens)::BIGINT AS input_tokens,
    sum(produced_tokens)::BIGINT AS output_tokens,
    sum(actual_usd)::DECIMAL(38, 18) AS actual_usd
FROM actual
WHERE movable AND state <> 'failed'
GROUP BY ALL
ORDER BY window_step;
