-- Purpose: take in what was added up of some sources, in place of what was there of them before.
-- Grain:   as day_cells
-- Reads:   added (of replay/added_calls, by source), summed
-- Writes:  day_cells, summed
-- Params:  $sources

DELETE FROM day_cells
WHERE source_id IN (SELECT unnest($sources::INTEGER[]));

INSERT INTO day_cells BY NAME
SELECT * EXCLUDE (quarter, extra)
FROM added;

INSERT INTO summed BY NAME
SELECT unnest($sources::INTEGER[]) AS source_id
EXCEPT
SELECT source_id
FROM summed;
