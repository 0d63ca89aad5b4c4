-- Purpose: calls added up, to be sent home.
-- Grain:   as added
-- Reads:   added
SELECT *
FROM added
ORDER BY ALL;
