-- Purpose: the number of the next source.
-- Grain:   one row
-- Reads:   sources
SELECT (coalesce(max(source_id), 0) + 1)::INTEGER AS source_id
FROM sources;
