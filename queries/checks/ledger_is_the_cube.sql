-- Purpose: what a scenario places of a cell is what the cube holds of it, with an outcome and a reason.
-- Grain:   one row a scenario and cell that breaks this
-- Reads:   ledger, actual
--
-- That each cell is there once: checks/every_scenario_sees_every_call.
SELECT
    concat('scenario ', scenario, ', calls of ', coalesce(nullif(served_model, ''), requested_model))
        AS what,
    epoch AS prices_from,
    outcome,
    ledger.calls,
    actual.calls AS calls_of_the_cube,
    ledger.actual_usd,
    actual.actual_usd AS actual_usd_of_the_cube
FROM ledger
LEFT JOIN actual USING (cell)
WHERE ledger.calls IS DISTINCT FROM actual.calls
   OR ledger.actual_usd IS DISTINCT FROM actual.actual_usd
   OR outcome NOT IN ('fits', 'overflows', 'unpriced')
   OR (outcome = 'unpriced') = (ledger.reason IS NULL)
   OR (outcome = 'fits' AND target IS NULL AND replayed_usd IS DISTINCT FROM ledger.actual_usd)
ORDER BY what, cell;
