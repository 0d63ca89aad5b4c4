-- Purpose: whether a time zone is known.
-- Grain:   one row when it is, none when it is not
-- Reads:   the catalogue of time zones
-- Params:  $zone
SELECT name
FROM pg_timezone_names()
WHERE name = $zone;
