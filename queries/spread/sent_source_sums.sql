-- Purpose: what calls of each source come to, to be sent home.
-- Grain:   as source_sums
-- Reads:   source_sums
SELECT *
FROM source_sums
ORDER BY ALL;
