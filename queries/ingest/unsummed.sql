-- Purpose: how many sources are not added up.
-- Grain:   one row
-- Reads:   sources, summed
SELECT count(*)::BIGINT AS sources
FROM sources
WHERE source_id NOT IN (SELECT source_id FROM summed);
