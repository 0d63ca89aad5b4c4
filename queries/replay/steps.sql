-- Purpose: what the price of a moved call depends on.
-- Grain:   closing × epoch × tier × steps as logged and as moved × move
-- Reads:   cube
SELECT DISTINCT
    closing, epoch, tier, window_step, prompt_step, moved_window_step, moved_prompt_step, move
FROM cube
WHERE movable AND state <> 'failed'
ORDER BY ALL;
