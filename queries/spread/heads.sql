-- Purpose: what is kept of the sampled prompts: heads.
-- Grain:   as heads
-- Reads:   heads
SELECT *
FROM heads
ORDER BY ALL;
