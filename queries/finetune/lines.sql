-- Purpose: the drawn examples of one workload, in the order in which they are drawn.
-- Grain:   drawn call
-- Reads:   drawn, calls
-- Params:  $workload, $cut_tokens (off the front of a prompt that begins with them), $frame (tokens
--          of an example beyond its prompt and answer)
SELECT
    drawn.call_id,
    coalesce(calls.served_model, calls.requested_model, '') AS model,
    (prompt_tokens + produced_tokens + $frame)::BIGINT AS tokens,
    (prompt_tokens - least($cut_tokens, prompt_tokens) + produced_tokens + $frame)::BIGINT
        AS cut_tokens
FROM drawn
JOIN calls USING (call_id)
WHERE drawn.workload = $workload
ORDER BY draw, drawn.call_id;
