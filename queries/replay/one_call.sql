-- Purpose: the actual cost of the one call that is being explained.
-- Grain:   one row
-- Reads:   actual (of one call)
SELECT
    closing, requested_model, state, movable, window_step, prompt_step, moved_window_step, moved_prompt_step, move,
    prompt_tokens::BIGINT AS prompt_tokens,
    produced_tokens::BIGINT AS produced_tokens, actual_usd,
    CASE WHEN actual_usd IS NULL THEN reason END AS reason
FROM actual;
