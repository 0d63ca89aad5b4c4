-- Purpose: whether the store holds single calls, sums, or both.
-- Grain:   one row
-- Reads:   calls, buckets
SELECT
    (SELECT count(*) FROM buckets)::BIGINT AS buckets,
    (SELECT count(*) FROM calls) > (SELECT count(*) FROM buckets) AS has_calls;
