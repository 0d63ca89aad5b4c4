-- Purpose: cells, to be sent home.
-- Grain:   as cells
-- Reads:   cells
SELECT *
FROM cells
ORDER BY ALL;
