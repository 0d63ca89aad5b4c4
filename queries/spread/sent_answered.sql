-- Purpose: first answers to prompts, to be sent where all answers to a prompt come together.
-- Grain:   as answered
-- Reads:   answered
SELECT
    prompt,
    model,
    first[1] AS called_at,
    first[2] AS call_id,
    first[3] AS workload,
    first[4]::BIGINT AS output_tokens
FROM answered
ORDER BY ALL;
