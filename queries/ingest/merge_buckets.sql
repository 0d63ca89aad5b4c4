-- Purpose: say of which calls of one source that they are the sum of many.
-- Grain:   one row a bucket that the store keeps of this source
-- Reads:   batch_buckets (a frame: line, requests, ends_at, kind, grouped_by), calls
-- Writes:  buckets
-- Params:  $source_id

DELETE FROM buckets
WHERE call_id IN (SELECT call_id FROM calls WHERE source_id = $source_id);

INSERT INTO buckets BY NAME
SELECT call_id, requests, ends_at, kind, grouped_by
FROM calls
JOIN batch_buckets USING (line)
WHERE source_id = $source_id;
