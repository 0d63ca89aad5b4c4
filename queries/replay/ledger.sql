-- Purpose: every cell of the cube under every scenario.
-- Grain:   scenario × cell of the cube that holds calls a scenario can move
-- Reads:   actual, card (the rate card of the scenarios)
-- Writes:  ledger
--
-- outcome: fits (replayed_usd is its cost), overflows (no window is large enough), unpriced (no
-- rate, or nobody could count its tokens). Failed calls cost nothing anywhere and are left out;
-- so are calls that no chat or completion model could answer (embeddings).

CREATE OR REPLACE TEMP TABLE ledger AS
WITH
    movable AS (
        SELECT *
        FROM actual
        WHERE movable AND state <> 'failed'
    ),
    costed AS (
        SELECT
            card.scenario,
            movable.*,
            card.outcome AS card_outcome,
            card.target,
            card.reason AS card_reason,
            token_cost(input_tokens, input_usd)
            + token_cost(cache_read_tokens, cache_read_usd)
            + token_cost(cache_write_tokens, cache_write_usd)
            + token_cost(output_tokens + reasoning_tokens, output_usd) AS card_usd
        FROM movable
        JOIN card USING (epoch, tier, window_step, prompt_step)
    ),
    decided AS (
        SELECT
            *,
            CASE
                WHEN state <> 'counted' THEN 'unpriced'
                WHEN card_outcome = 'fits' AND card_usd IS NULL THEN 'unpriced'
                ELSE card_outcome
            END AS outcome,
            CASE state
                WHEN 'uncounted' THEN problem
                WHEN 'audio' THEN 'audio tokens have no rate in the book'
                ELSE coalesce(card_reason, 'the target has no rate for what it produces')
            END AS why_unpriced
        FROM costed
    )
SELECT
    scenario, outcome, target, by_1, by_2, by_3, by_4, calls, prompt_tokens, produced_tokens,
    CASE WHEN outcome = 'fits' THEN card_usd END AS replayed_usd,
    actual_usd,
    CASE WHEN outcome = 'unpriced' THEN why_unpriced END AS reason
FROM decided;
