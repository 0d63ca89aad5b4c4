-- Purpose: what the price of a moved call depends on.
-- Grain:   epoch × tier × window step × prompt step
-- Reads:   cube
SELECT DISTINCT epoch, tier, window_step, prompt_step
FROM cube
WHERE movable AND state <> 'failed'
ORDER BY ALL;
