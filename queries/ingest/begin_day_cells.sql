-- Purpose: the edges by which calls are told apart; where they are others than before, begin anew.
-- Grain:   one row
-- Reads:   day_edges
-- Writes:  day_cells, summed, day_edges
-- Params:  $windows, $thresholds

DELETE FROM day_cells
WHERE ($windows::BIGINT[], $thresholds::BIGINT[]) NOT IN (SELECT (windows, thresholds) FROM day_edges);

DELETE FROM summed
WHERE ($windows::BIGINT[], $thresholds::BIGINT[]) NOT IN (SELECT (windows, thresholds) FROM day_edges);

DELETE FROM day_edges;

INSERT INTO day_edges BY NAME
SELECT $windows::BIGINT[] AS windows, $thresholds::BIGINT[] AS thresholds;
