-- Purpose: whether the calls of every source are added up, and by which edges.
-- Grain:   one row, or none where nothing is added up
-- Reads:   day_edges, sources, summed, calls, day_cells
SELECT
    windows,
    thresholds,
    NOT EXISTS (FROM sources WHERE source_id NOT IN (SELECT source_id FROM summed))
        AND (SELECT count(*) FROM calls) = (SELECT coalesce(sum(calls), 0) FROM day_cells)
        AS are_whole
FROM day_edges;
