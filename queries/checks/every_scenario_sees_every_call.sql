-- Purpose: each scenario places all movable calls, those of each cell of the cube once.
-- Grain:   one row a scenario that lost or doubled some
-- Reads:   ledger, actual, asked
WITH
    movable AS (
        SELECT coalesce(sum(calls), 0) AS calls, count(*) AS cells, sum(cell) AS sum_of_cells
        FROM actual
        WHERE movable AND state <> 'failed'
    ),
    placed AS (
        SELECT
            scenario,
            coalesce(sum(calls), 0) AS calls,
            count(cell) AS cells,
            sum(cell) AS sum_of_cells
        FROM asked
        LEFT JOIN ledger USING (scenario)
        GROUP BY scenario
    )
SELECT
    concat('scenario ', placed.scenario) AS what,
    placed.calls AS placed,
    movable.calls AS movable,
    placed.cells AS cells,
    movable.cells AS movable_cells
FROM placed, movable
WHERE (placed.calls, placed.cells, placed.sum_of_cells)
    IS DISTINCT FROM (movable.calls, movable.cells, movable.sum_of_cells)
ORDER BY placed.scenario;
