-- Purpose: the sums that the store holds, with the bucket of each.
-- Grain:   one row a sum
-- Reads:   buckets
-- Params:  $buckets (how many there are)
SELECT *, (md5_number_lower(id_stem(call_id)) % $buckets)::INTEGER AS bucket
FROM buckets;
