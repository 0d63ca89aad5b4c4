-- Purpose: what the price of a logged call depends on.
-- Grain:   closing × epoch × model names × tier × prompt step
-- Reads:   cube
SELECT DISTINCT closing, epoch, requested_model, served_model, tier, prompt_step
FROM cube
ORDER BY ALL;
