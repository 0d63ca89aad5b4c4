-- Purpose: the calls that the figures are about, in a store that holds sums besides: the calls.
-- Grain:   call
-- Reads:   calls, buckets
-- Writes:  logged (a temporary view)
--
-- The sums are of the same traffic, and counted with the calls it would be there twice.
CREATE OR REPLACE TEMP VIEW logged AS
SELECT *, 1::BIGINT AS requests
FROM calls
WHERE call_id NOT IN (SELECT call_id FROM buckets);
