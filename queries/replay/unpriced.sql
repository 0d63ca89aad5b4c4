-- Purpose: the calls whose actual cost nobody knows.
-- Grain:   model names × tier × reason
-- Reads:   actual
SELECT
    coalesce(nullif(served_model, ''), nullif(requested_model, '')) AS model,
    tier,
    reason,
    sum(calls)::BIGINT AS calls,
    sum(prompt_tokens)::BIGINT AS input_tokens,
    sum(produced_tokens)::BIGINT AS output_tokens
FROM actual
WHERE actual_usd IS NULL
GROUP BY ALL
ORDER BY calls DESC, model NULLS FIRST, tier, reason;
