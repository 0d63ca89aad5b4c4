-- Purpose: every cost as finely as `audit diff` compares two runs; always Parquet
-- Grain:   actual cost or scenario × day × booking × source × model names × tier × rates × outcome
-- Reads:   charged, charged_moved, asked_scenarios
-- File:    Parquet
-- By:      day, booking, source_sha256
-- Once:    replay/charged
-- Each:    replay/charged_moved
-- Columns:
--     name                 actual, or the scenario
--     day                  the day in the zone; empty: calls without a date
--     booking              open; or of a closed month: closed, and correction for what came later
--     source_sha256        the file that the calls are read from
--     requested_model      the model that was asked for, as logged
--     served_model         the model that answered, as logged
--     tier                 standard, batch, or the provider's word
--     outcome              priced, unpriced, overflows (of a scenario) or failed (of actual)
--     priced_as            the model of the price book
--     input_usd            USD per token sent
--     cache_read_usd       USD per token read from a cache
--     cache_write_usd      USD per token written to a cache
--     output_usd           USD per token answered
--     calls                calls
--     input_tokens         tokens sent, neither read from nor written to a cache; under a scenario
--                          with levers to a millionth of a token
--     cache_read_tokens    likewise
--     cache_write_tokens   likewise
--     output_tokens        tokens answered, hidden reasoning included
--     cost_usd             tokens times rates; empty where nobody knows it
SELECT
    name, day, booking, source_sha256, requested_model, served_model, tier, outcome, priced_as,
    input_usd, cache_read_usd, cache_write_usd, output_usd,
    calls, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, cost_usd
FROM (
    SELECT -1 AS place, 'actual' AS name, *
    FROM charged
    UNION ALL BY NAME
    SELECT scenario AS place, name, charged_moved.* EXCLUDE (scenario)
    FROM charged_moved
    JOIN asked_scenarios USING (scenario)
)
ORDER BY place, day NULLS FIRST, booking, source_sha256, requested_model NULLS FIRST,
    served_model NULLS FIRST, tier, outcome, priced_as NULLS FIRST,
    input_usd, cache_read_usd, cache_write_usd, output_usd;
