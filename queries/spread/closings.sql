-- Purpose: the closed months.
-- Grain:   as closings
-- Reads:   closings
SELECT *
FROM closings;
