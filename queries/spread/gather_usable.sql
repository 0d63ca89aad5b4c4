-- Purpose: the calls that may be drawn, as several machines found them.
-- Grain:   as usable (finetune/usable)
-- Reads:   partial (a frame in memory: rows of usable)
-- Writes:  usable
CREATE OR REPLACE TEMP TABLE usable AS
SELECT *
FROM partial;
