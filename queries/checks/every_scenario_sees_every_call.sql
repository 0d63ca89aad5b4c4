-- Purpose: each scenario places all movable calls: they fit, overflow or are unpriced.
-- Grain:   one row a scenario that lost or doubled some
-- Reads:   ledger, actual, asked
WITH
    movable AS (
        SELECT coalesce(sum(calls), 0) AS calls
        FROM actual
        WHERE movable AND state <> 'failed'
    ),
    placed AS (
        SELECT scenario, coalesce(sum(calls), 0) AS calls
        FROM asked
        LEFT JOIN ledger USING (scenario)
        GROUP BY scenario
    )
SELECT 'scenario ' || placed.scenario AS what, placed.calls AS placed, movable.calls AS movable
FROM placed, movable
WHERE placed.calls <> movable.calls;
