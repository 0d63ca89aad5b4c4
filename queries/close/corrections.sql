-- Purpose: the closed months, and what came into each of them later.
-- Grain:   month
-- Reads:   closings, spent (gathered rows of that query, by month and booking)
SELECT
    closings.month,
    closings.zone,
    closings.closed_on,
    closings.tool,
    closings.calls,
    closings.unpriced,
    closings.actual_usd,
    coalesce(later.calls, 0)::BIGINT AS correction_calls,
    coalesce(later.unpriced, 0)::BIGINT AS correction_unpriced,
    coalesce(later.cost_usd, 0)::DECIMAL(38, 18) AS correction_usd
FROM closings
LEFT JOIN spent AS later
    ON later.by_1 = strftime(closings.month, '%Y-%m')
    AND later.by_2 = 'correction'
    AND NOT later.is_total
ORDER BY closings.month;
