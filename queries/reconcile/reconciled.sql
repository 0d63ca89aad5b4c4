-- Purpose: why an invoice and the logs differ, span by span and item by item.
-- Grain:   as compared
-- Reads:   compared, moved, spans
-- Writes:  reconciled
--
-- billed = logged + price + rounding + day_boundary + counted_by_us + failed + no_price + not_logged
-- + not_billed, to the last digit. In this order each takes of what is left at most what it can
-- explain: counts of our own a tenth of what they come to (estimates a half); failed calls the
-- average cost of an answered one each, and where the invoice counts requests no more calls than it
-- has beyond the answered ones; calls without a price all that is billed too much. The rest was
-- billed and not logged (so are credits, below 0, for which there are no calls), or logged and not
-- billed.

CREATE OR REPLACE TEMP TABLE reconciled AS
WITH
    bounded AS (
        SELECT
            compared.*,
            day_boundary_usd,
            (rest_usd - day_boundary_usd)::DECIMAL(38, 24) AS open_usd,
            usd_of(
                down(units(counted_usd), 10) + down(units(estimated_usd), 2)
            )::DECIMAL(38, 24) AS counting_cap_usd,
            usd_of(
                coalesce(
                    up(
                        units(logged_usd)
                        * least(failed, greatest(coalesce(requests - answered, failed), 0)),
                        nullif(answered - unpriced, 0)
                    ),
                    0
                )
            )::DECIMAL(38, 24) AS failing_cap_usd
        FROM compared
        JOIN moved USING (span, item)
    ),
    small AS (
        SELECT
            * REPLACE (
                CASE WHEN abs(open_usd) <= rounding_cap_usd THEN 0 ELSE open_usd END
                    ::DECIMAL(38, 24) AS open_usd
            ),
            (residual_usd - price_usd - day_boundary_usd
                - CASE WHEN abs(open_usd) <= rounding_cap_usd THEN 0 ELSE open_usd END)
                ::DECIMAL(38, 24) AS rounding_usd
        FROM bounded
    ),
    recounted AS (
        SELECT
            *,
            CASE
                WHEN open_usd < 0 THEN -least(-open_usd, counting_cap_usd)
                ELSE least(open_usd, counting_cap_usd)
            END::DECIMAL(38, 24) AS counted_by_us_usd
        FROM small
    ),
    charged AS (
        SELECT
            *,
            least(greatest(open_usd - counted_by_us_usd, 0), failing_cap_usd)::DECIMAL(38, 24)
                AS failed_usd
        FROM recounted
    ),
    left_over AS (
        SELECT *, (open_usd - counted_by_us_usd - failed_usd)::DECIMAL(38, 24) AS last_usd_open
        FROM charged
    )
SELECT
    span,
    begins,
    ends,
    item,
    is_billed,
    requests,
    billed_unpriced,
    answered,
    failed,
    unpriced,
    billed_usd,
    logged_usd,
    residual_usd,
    price_of,
    price_usd::DECIMAL(38, 24) AS price_usd,
    rounding_usd,
    day_boundary_usd,
    counted_by_us_usd,
    failed_usd,
    CASE WHEN unpriced > 0 THEN greatest(last_usd_open, 0) ELSE 0 END::DECIMAL(38, 24)
        AS no_price_usd,
    CASE
        WHEN unpriced > 0 THEN 0
        WHEN answered + failed = 0 THEN last_usd_open
        ELSE greatest(last_usd_open, 0)
    END::DECIMAL(38, 24) AS not_logged_usd,
    CASE WHEN answered + failed = 0 THEN 0 ELSE least(last_usd_open, 0) END::DECIMAL(38, 24)
        AS not_billed_usd
FROM left_over
JOIN spans USING (span);
