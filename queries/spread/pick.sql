-- Purpose: stage the readings of one source that share their ids with others.
-- Grain:   one row a reading
-- Reads:   incoming, shared
-- Writes:  staged
-- Params:  $source_id
INSERT INTO staged BY NAME
SELECT * EXCLUDE (source_id)
FROM incoming
WHERE source_id = $source_id AND id_stem(call_id) IN (SELECT stem FROM shared);
