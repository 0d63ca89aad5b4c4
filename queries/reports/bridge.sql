-- Purpose: what leads from the actual cost to each scenario, and from each month to the next
-- Grain:   bridge × step
-- Reads:   bridge_parts, period_parts, spans, asked_scenarios
-- By:      day, booking
-- Once:    replay/period_parts
-- Each:    replay/bridge_parts
-- Columns:
--     bridge               scenario (from the actual cost to it), or period (from the one before)
--     from_name            actual, or the period before: a month, else as many days
--     to_name              the scenario, or the period
--     step                 1 to 10
--     part                 start, not_moved, overflow, unpriced, volume, model_mix,
--                          tokens_per_call, rate, training, end
--     calls                calls that the part is of; of volume the calls more or less
--     amount_usd           what the part adds; start and end are costs; every digit
--     running_usd          the cost after this step
--     amount_usd_rounded   in cents, so that the parts still add up: the rounded cost after this
--                          step, less the rounded one before
--     running_usd_rounded  running_usd in cents
--
-- start plus the eight parts is end, to the last digit, always. How the parts come about:
-- queries/replay/bridge_parts.sql and period_parts.sql.
WITH
    steps AS (
        SELECT *
        FROM (VALUES
            (1, 'start'), (2, 'not_moved'), (3, 'overflow'), (4, 'unpriced'), (5, 'volume'),
            (6, 'model_mix'), (7, 'tokens_per_call'), (8, 'rate'), (9, 'training')
        ) AS numbered(step, part)
    ),
    bridges AS (
        SELECT 'period' AS bridge, before.span_name AS from_name, now.span_name AS to_name,
            now.span AS place
        FROM spans AS now
        JOIN spans AS before ON before.span = now.span - 1
        UNION ALL
        SELECT 'scenario', 'actual', name, scenario
        FROM asked_scenarios
    ),
    known AS (
        SELECT 'period' AS bridge, span AS place, part, calls, amount_usd::DECIMAL(38, 18) AS amount_usd
        FROM period_parts
        UNION ALL
        SELECT 'scenario', scenario, part, calls, amount_usd
        FROM bridge_parts
    ),
    laid AS (
        SELECT
            bridge, place, from_name, to_name, step, part,
            coalesce(known.calls, 0)::BIGINT AS calls,
            coalesce(known.amount_usd, 0)::DECIMAL(38, 18) AS amount_usd
        FROM bridges
        CROSS JOIN steps
        LEFT JOIN known USING (bridge, place, part)
    ),
    summed AS (
        SELECT *, sum(amount_usd) OVER (PARTITION BY bridge, place ORDER BY step) AS running_usd
        FROM laid
    ),
    ended AS (
        SELECT *
        FROM summed
        UNION ALL BY NAME
        SELECT * REPLACE (10 AS step, 'end' AS part, 0 AS calls, running_usd AS amount_usd)
        FROM summed
        WHERE step = 9
    )
SELECT
    bridge,
    from_name,
    to_name,
    step,
    part,
    calls,
    amount_usd::DECIMAL(38, 18) AS amount_usd,
    running_usd::DECIMAL(38, 18) AS running_usd,
    CASE
        WHEN step IN (1, 10) THEN round(running_usd, 2)
        ELSE round(running_usd, 2) - round(running_usd - amount_usd, 2)
    END::DECIMAL(38, 2) AS amount_usd_rounded,
    round(running_usd, 2)::DECIMAL(38, 2) AS running_usd_rounded
FROM ended
ORDER BY bridge, place, step;
