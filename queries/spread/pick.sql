-- Purpose: stage the readings of one source that share their ids with others.
-- Grain:   one row a reading
-- Reads:   sharing
-- Writes:  staged
-- Params:  $source_id
INSERT INTO staged BY NAME
SELECT * EXCLUDE (source_id)
FROM sharing
WHERE source_id = $source_id;
