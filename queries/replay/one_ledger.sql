-- Purpose: the one call that is being explained, under every scenario.
-- Grain:   scenario
-- Reads:   ledger (of one call)
SELECT scenario, outcome, target, replayed_usd
FROM ledger
ORDER BY scenario;
