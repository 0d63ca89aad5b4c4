-- Purpose: what is kept of the sampled prompts: parts.
-- Grain:   as parts
-- Reads:   parts
SELECT *
FROM parts
ORDER BY ALL;
