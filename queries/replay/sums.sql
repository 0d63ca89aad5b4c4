-- Purpose: how many of the stored records are sums.
-- Grain:   one row
-- Reads:   buckets
SELECT count(*)::BIGINT AS buckets
FROM buckets;
