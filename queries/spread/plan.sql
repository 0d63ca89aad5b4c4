-- Purpose: the plan of the moves of a scenario, to be sent where calls are scanned.
-- Grain:   as plan (replay/as_moved)
-- Reads:   plan
SELECT *
FROM plan
ORDER BY ALL;
