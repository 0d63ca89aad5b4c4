-- Purpose: the drawn examples of one workload, in the order in which they are drawn.
-- Grain:   drawn call
-- Reads:   drawn
-- Params:  $workload, $cut_tokens (off the front of a prompt that begins with them), $frame (tokens
--          of an example beyond its prompt and answer)
SELECT
    call_id,
    (prompt_tokens + produced_tokens + $frame)::BIGINT AS tokens,
    (prompt_tokens - least($cut_tokens, prompt_tokens) + produced_tokens + $frame)::BIGINT
        AS cut_tokens
FROM drawn
WHERE workload = $workload
ORDER BY draw, call_id;
