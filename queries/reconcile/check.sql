-- Purpose: the classes add up to the difference, to the last digit.
-- Grain:   one row a span and item that breaks this
-- Reads:   reconciled
SELECT item, begins, billed_usd, logged_usd
FROM reconciled
WHERE residual_usd <> billed_usd - logged_usd
   OR residual_usd <> price_usd + rounding_usd + day_boundary_usd + counted_by_us_usd + failed_usd
        + no_price_usd + not_logged_usd + not_billed_usd
ORDER BY begins, item;
