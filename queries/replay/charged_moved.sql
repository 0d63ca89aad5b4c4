-- Purpose: the cost under each scenario as finely as two runs are compared.
-- Grain:   scenario × day × booking × source × model names × tier × rates × outcome
-- Reads:   ledger, actual, card (by_1 is the day, by_2 booking, by_3 the source)
--
-- Tokens are those sent and produced after a move; of calls that stay where they are as logged.
WITH moved AS (
    SELECT
        ledger.scenario, ledger.outcome, ledger.priced_as, ledger.replayed_usd,
        actual.*,
        card.input_usd, card.cache_read_usd, card.cache_write_usd, card.output_usd,
        CASE WHEN card.stays THEN 1::DECIMAL(7, 6) ELSE card.kept END AS kept,
        CASE WHEN card.stays THEN 0::DECIMAL(7, 6) ELSE card.cut_calls END AS cut_calls,
        CASE WHEN card.stays THEN 1::DECIMAL(7, 6) ELSE card.output END AS output
    FROM ledger
    JOIN actual USING (cell)
    JOIN card
        ON card.scenario = ledger.scenario
        AND card.closing = actual.closing
        AND card.epoch = actual.epoch
        AND card.tier = actual.tier
        AND card.window_step = actual.window_step
        AND card.prompt_step = actual.prompt_step
        AND card.moved_window_step = actual.moved_window_step
        AND card.moved_prompt_step = actual.moved_prompt_step
        AND card.move = actual.move
)
SELECT
    scenario,
    nullif(by_1, '') AS day,
    by_2 AS booking,
    by_3 AS source_sha256,
    nullif(requested_model, '') AS requested_model,
    nullif(served_model, '') AS served_model,
    tier,
    CASE WHEN outcome = 'fits' THEN 'priced' ELSE outcome END AS outcome,
    coalesce(priced_as, CASE WHEN outcome = 'fits' THEN model END) AS priced_as,
    input_usd, cache_read_usd, cache_write_usd, output_usd,
    sum(calls)::BIGINT AS calls,
    sum(input_tokens::DECIMAL(20, 0) * kept - cut_input_tokens::DECIMAL(20, 0) * cut_calls)
        ::DECIMAL(38, 6) AS input_tokens,
    sum(cache_read_tokens::DECIMAL(20, 0) * kept
        - cut_cache_read_tokens::DECIMAL(20, 0) * cut_calls)::DECIMAL(38, 6) AS cache_read_tokens,
    sum(cache_write_tokens::DECIMAL(20, 0) * kept
        - cut_cache_write_tokens::DECIMAL(20, 0) * cut_calls)::DECIMAL(38, 6)
        AS cache_write_tokens,
    sum(produced_tokens::DECIMAL(20, 0) * output)::DECIMAL(38, 6) AS output_tokens,
    sum(replayed_usd)::DECIMAL(38, 18) AS cost_usd
FROM moved
GROUP BY ALL
ORDER BY ALL;
