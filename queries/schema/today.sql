-- Purpose: which day it is in a zone at a moment.
-- Grain:   one row
-- Reads:   nothing
-- Params:  $moment (UTC), $zone
SELECT local_time($moment::TIMESTAMP, $zone)::DATE AS day;
