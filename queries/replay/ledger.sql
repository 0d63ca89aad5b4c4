-- Purpose: every cell of the cube under every scenario.
-- Grain:   scenario × cell of the cube that holds calls a scenario can move
-- Reads:   actual, card (the rate card of the scenarios)
-- Writes:  ledger
--
-- outcome: fits (replayed_usd is its cost), overflows (no window is large enough), unpriced (no
-- rate, or nobody could count its tokens). Failed calls cost nothing anywhere and are left out;
-- so are calls that no chat or completion model could answer (embeddings). Calls that the scenario
-- leaves where they are (stays) fit, at their actual cost.
--
-- prompt_usd and output_usd are what the target asks for the call as logged, cut_usd for the tokens
-- that the move cuts off; replayed_usd = prompt_usd × kept - cut_usd + answers_usd, where
-- answers_usd = output_usd × output. The tokens are those sent and produced after the move, to a
-- millionth of a token: nothing is rounded.

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
            card.priced_as,
            card.stays,
            card.reason AS card_reason,
            card.kept,
            card.output,
            card.cut_calls,
            token_cost(input_tokens, input_usd)
                + token_cost(cache_read_tokens, cache_read_usd)
                + token_cost(cache_write_tokens, cache_write_usd) AS card_prompt_usd,
            (token_cost(cut_input_tokens, input_usd)
                + token_cost(cut_cache_read_tokens, cache_read_usd)
                + token_cost(cut_cache_write_tokens, cache_write_usd)) * card.cut_calls
                AS card_cut_usd,
            token_cost(output_tokens + reasoning_tokens, output_usd) AS card_output_usd
        FROM movable
        JOIN card USING (
            closing, epoch, tier, window_step, prompt_step, moved_window_step, moved_prompt_step, move
        )
    ),
    decided AS (
        SELECT
            *,
            CASE
                WHEN state <> 'counted' THEN 'unpriced'
                WHEN stays AND actual_usd IS NULL THEN 'unpriced'
                WHEN stays THEN 'fits'
                WHEN card_outcome = 'fits' AND card_prompt_usd + card_output_usd IS NULL
                    THEN 'unpriced'
                ELSE card_outcome
            END AS outcome,
            CASE
                WHEN state = 'uncounted' THEN problem
                WHEN state = 'audio' THEN 'audio tokens have no rate in the book'
                WHEN stays THEN reason
                ELSE coalesce(card_reason, 'the target has no rate for what it produces')
            END AS why_unpriced
        FROM costed
    ),
    moved AS (
        SELECT
            * EXCLUDE (reason),
            outcome = 'fits' AND NOT stays AS is_moved,
            CASE WHEN outcome = 'unpriced' THEN why_unpriced END AS reason
        FROM decided
    )
SELECT
    scenario, cell, outcome, target, priced_as, workload, by_1, by_2, by_3, by_4, by_5, by_6, calls,
    CASE
        WHEN is_moved THEN
            prompt_tokens::DECIMAL(20, 0) * kept
            - (cut_input_tokens + cut_cache_read_tokens + cut_cache_write_tokens)::DECIMAL(20, 0)
            * cut_calls
        ELSE prompt_tokens::DECIMAL(27, 6)
    END AS prompt_tokens,
    CASE
        WHEN is_moved THEN produced_tokens::DECIMAL(20, 0) * output
        ELSE produced_tokens::DECIMAL(27, 6)
    END AS produced_tokens,
    CASE WHEN is_moved THEN card_prompt_usd END AS prompt_usd,
    CASE WHEN is_moved THEN card_cut_usd END AS cut_usd,
    CASE WHEN is_moved THEN card_output_usd END AS output_usd,
    CASE WHEN is_moved THEN card_output_usd * output END AS answers_usd,
    CASE
        WHEN is_moved THEN card_prompt_usd * kept - card_cut_usd + card_output_usd * output
        WHEN outcome = 'fits' THEN actual_usd::DECIMAL(38, 18)
    END AS replayed_usd,
    actual_usd,
    reason
FROM moved;
