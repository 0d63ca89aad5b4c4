-- Purpose: what was added up of a source no longer holds where calls of it gave way to better readings.
-- Grain:   one row a source
-- Reads:   superseded
-- Writes:  summed
DELETE FROM summed
WHERE source_id IN (SELECT stored_source FROM superseded WHERE arriving_is_better);
