-- Purpose: whether the store has some of the calls that arrive.
-- Grain:   one row
-- Reads:   superseded
SELECT count(*) > 0 AS any_stored
FROM superseded;
