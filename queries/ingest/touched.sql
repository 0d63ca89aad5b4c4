-- Purpose: the source that was read, and those whose calls gave way to better readings of it.
-- Grain:   one row a source
-- Reads:   superseded
-- Writes:  touched
-- Params:  $source_id
CREATE OR REPLACE TEMP TABLE touched AS
SELECT $source_id::INTEGER AS source_id
UNION
SELECT stored_source
FROM superseded
WHERE arriving_is_better;
