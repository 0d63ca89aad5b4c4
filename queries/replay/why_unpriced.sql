-- Purpose: why a scenario could not price some calls.
-- Grain:   scenario × reason
-- Reads:   ledger
SELECT scenario, reason, sum(calls)::BIGINT AS calls
FROM ledger
WHERE outcome = 'unpriced'
GROUP BY ALL
ORDER BY scenario, calls DESC, reason;
