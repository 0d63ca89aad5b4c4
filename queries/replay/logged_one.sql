-- Purpose: calls and sums as they are stored, for one of them that is asked for by its name.
-- Grain:   call or bucket
-- Reads:   calls, buckets
-- Writes:  logged (a temporary view)
CREATE OR REPLACE TEMP VIEW logged AS
SELECT calls.*, coalesce(requests, 1)::BIGINT AS requests, false AS is_day
FROM calls
LEFT JOIN buckets USING (call_id);
