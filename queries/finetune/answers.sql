-- Purpose: the first answer of each model to the prompts that several models answered.
-- Grain:   one row a prompt and model
-- Reads:   answered
WITH several AS (
    SELECT prompt
    FROM answered
    GROUP BY prompt
    HAVING count(*) > 1
)
SELECT
    prompt,
    model,
    nullif(first[3], '') AS workload,
    first[4]::BIGINT AS output_tokens,
    first[1] AS called_at
FROM answered
JOIN several USING (prompt)
ORDER BY prompt, model;
