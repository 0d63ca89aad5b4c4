-- Purpose: the calls that outgrow a scenario's windows.
-- Grain:   scenario × dimensions that have such calls
-- Reads:   ledger, actual
SELECT
    ledger.scenario,
    nullif(actual.by_1, '') AS by_1, nullif(actual.by_2, '') AS by_2,
    nullif(actual.by_3, '') AS by_3, nullif(actual.by_4, '') AS by_4,
    nullif(actual.by_5, '') AS by_5, nullif(actual.by_6, '') AS by_6,
    sum(actual.prompt_tokens)::BIGINT AS overflow_input_tokens,
    sum(actual.produced_tokens)::BIGINT AS overflow_output_tokens,
    sum(actual.actual_usd)::DECIMAL(38, 18) AS overflow_actual_usd
FROM ledger
JOIN actual USING (cell)
WHERE ledger.outcome = 'overflows'
GROUP BY ALL
ORDER BY ALL;
