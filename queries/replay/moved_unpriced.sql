-- Purpose: the calls that a scenario could not price.
-- Grain:   scenario × model name × tier × reason
-- Reads:   ledger, actual
SELECT
    ledger.scenario,
    coalesce(nullif(actual.served_model, ''), nullif(actual.requested_model, '')) AS model,
    actual.tier,
    ledger.reason,
    sum(actual.calls)::BIGINT AS calls,
    sum(actual.prompt_tokens)::BIGINT AS input_tokens,
    sum(actual.produced_tokens)::BIGINT AS output_tokens
FROM ledger
JOIN actual USING (cell)
WHERE ledger.outcome = 'unpriced'
GROUP BY ALL
ORDER BY scenario, calls DESC, model NULLS FIRST, actual.tier, ledger.reason;
