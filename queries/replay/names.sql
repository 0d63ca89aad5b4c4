-- Purpose: what the price of a logged call depends on.
-- Grain:   epoch × model names × tier × prompt step
-- Reads:   cube
SELECT DISTINCT epoch, requested_model, served_model, tier, prompt_step
FROM cube
ORDER BY ALL;
