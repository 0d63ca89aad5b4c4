-- Purpose: how many calls the new file of a bucket holds.
-- Grain:   one row
-- Reads:   outgoing
SELECT count(*)::BIGINT AS calls
FROM outgoing;
