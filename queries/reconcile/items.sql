-- Purpose: the comparison item by item, and in all (is_total).
-- Grain:   item, and one row for all of them
-- Reads:   reconciled
-- Params:  $tolerance_ppm (a share of what is billed, in parts of a million, or NULL), $tolerance_usd
--
-- matched_usd is what both have. open_usd are the differences that neither rounding nor the boundary
-- of days explains, each without its sign: it is held against the tolerance, so that what is too
-- much here and too little there does not cancel.
WITH sums AS (
    SELECT
        grouping(item) = 1 AS is_total,
        item,
        sum(requests)::BIGINT AS requests,
        coalesce(sum(billed_unpriced), 0)::BIGINT AS billed_unpriced,
        coalesce(sum(answered), 0)::BIGINT AS answered,
        coalesce(sum(failed), 0)::BIGINT AS failed,
        coalesce(sum(unpriced), 0)::BIGINT AS unpriced,
        coalesce(bool_or(is_billed), false) AS is_billed,
        coalesce(sum(billed_usd), 0)::DECIMAL(38, 24) AS billed_usd,
        coalesce(sum(logged_usd), 0)::DECIMAL(38, 24) AS logged_usd,
        coalesce(sum(residual_usd), 0)::DECIMAL(38, 24) AS residual_usd,
        coalesce(sum(greatest(least(billed_usd, logged_usd), 0)), 0)::DECIMAL(38, 24)
            AS matched_usd,
        coalesce(sum(price_usd), 0)::DECIMAL(38, 24) AS price_usd,
        coalesce(sum(rounding_usd), 0)::DECIMAL(38, 24) AS rounding_usd,
        coalesce(sum(day_boundary_usd), 0)::DECIMAL(38, 24) AS day_boundary_usd,
        coalesce(sum(counted_by_us_usd), 0)::DECIMAL(38, 24) AS counted_by_us_usd,
        coalesce(sum(failed_usd), 0)::DECIMAL(38, 24) AS failed_usd,
        coalesce(sum(no_price_usd), 0)::DECIMAL(38, 24) AS no_price_usd,
        coalesce(sum(not_logged_usd), 0)::DECIMAL(38, 24) AS not_logged_usd,
        coalesce(sum(not_billed_usd), 0)::DECIMAL(38, 24) AS not_billed_usd,
        coalesce(sum(
            abs(price_usd) + abs(counted_by_us_usd) + failed_usd + no_price_usd
            + abs(not_logged_usd) - not_billed_usd
        ), 0)::DECIMAL(38, 24) AS open_usd
    FROM reconciled
    GROUP BY GROUPING SETS ((item), ())
)
SELECT
    *,
    CASE
        WHEN $tolerance_ppm IS NOT NULL
            THEN units(open_usd) * 1000000 > units(abs(billed_usd)) * $tolerance_ppm
        ELSE open_usd > $tolerance_usd::DECIMAL(38, 24)
    END AS is_above
FROM sums
ORDER BY is_total DESC, item;
