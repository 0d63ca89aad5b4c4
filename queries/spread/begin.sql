-- Purpose: an empty place for the readings of one bucket, and what must be known to merge them.
-- Grain:   incoming: one row a reading; closings, buckets: as in the store
-- Reads:   staged (of ingest/begin), known_closings, known_sums (frames in memory)
-- Writes:  incoming, closings, buckets

CREATE OR REPLACE TEMP TABLE incoming AS
SELECT 0::INTEGER AS source_id, *
FROM staged
WHERE false;

INSERT INTO closings BY NAME
SELECT * FROM known_closings;

INSERT INTO buckets BY NAME
SELECT * FROM known_sums;
