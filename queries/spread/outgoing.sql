-- Purpose: what the new file of a bucket holds: what is new, or all that the bucket holds.
-- Grain:   call
-- Reads:   calls, earlier, recalled
-- Writes:  outgoing
-- Params:  $sources (the new ones), $whole
CREATE OR REPLACE TEMP TABLE outgoing AS
SELECT *
FROM calls
WHERE $whole OR source_id IN (SELECT unnest($sources::INTEGER[]))
UNION ALL BY NAME
SELECT *
FROM earlier
WHERE $whole AND call_id NOT IN (SELECT call_id FROM recalled)
ORDER BY source_id, line, call_id;
