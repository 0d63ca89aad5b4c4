-- Purpose: the comparison of an invoice with the logs, span by span and item by item.
-- Grain:   span × item
-- Reads:   reconciled
SELECT
    begins, ends, item, requests, answered, failed, unpriced, billed_usd, logged_usd, residual_usd,
    price_usd, price_of, rounding_usd, day_boundary_usd, counted_by_us_usd, failed_usd,
    no_price_usd, not_logged_usd, not_billed_usd
FROM reconciled
ORDER BY begins, ends, item;
