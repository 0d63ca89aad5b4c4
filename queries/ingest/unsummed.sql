-- Purpose: the sources whose calls are not added up, as in a store that an older audit filled.
-- Grain:   one row a source
-- Reads:   sources, summed
-- Writes:  touched
CREATE OR REPLACE TEMP TABLE touched AS
SELECT source_id
FROM sources
WHERE source_id NOT IN (SELECT source_id FROM summed);
