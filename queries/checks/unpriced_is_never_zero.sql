-- Purpose: what fits has a cost, what does not has none; an unpriced call has no actual cost.
-- Grain:   one row a cell that breaks this
-- Reads:   ledger, actual
SELECT 'ledger of scenario ' || scenario AS what, outcome, replayed_usd, calls
FROM ledger
WHERE (outcome = 'fits') <> (replayed_usd IS NOT NULL)
UNION ALL
SELECT 'actual cost of ' || state, reason, actual_usd, calls
FROM actual
WHERE state IN ('uncounted', 'audio') AND actual_usd IS NOT NULL;
