-- Purpose: the sums of one bucket.
-- Grain:   as buckets
-- Reads:   buckets
SELECT *
FROM buckets
ORDER BY ALL;
