-- Purpose: take readings of one bucket in.
-- Grain:   one row a reading
-- Reads:   batch_incoming (a frame in memory, of spread/bucketed)
-- Writes:  incoming
INSERT INTO incoming BY NAME
SELECT * EXCLUDE (bucket, tag_names, tag_values), map(tag_names, tag_values) AS tags
FROM batch_incoming;
