-- Purpose: the days on which there are calls.
-- Grain:   day of the zone
-- Reads:   actual (by_1 is the day)
SELECT DISTINCT by_1::DATE AS day
FROM actual
WHERE by_1 <> ''
ORDER BY day;
