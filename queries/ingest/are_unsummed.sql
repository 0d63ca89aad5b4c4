-- Purpose: whether some stored calls are not added up.
-- Grain:   one row
-- Reads:   sources, summed, calls, day_cells
SELECT
    EXISTS (FROM sources WHERE source_id NOT IN (SELECT source_id FROM summed))
        OR (SELECT count(*) FROM calls) <> (SELECT coalesce(sum(calls), 0) FROM day_cells)
        AS are_unsummed;
