-- Purpose: what each day cost of the calls that budgets are for.
-- Grain:   budget × day of the zone ('': calls without a date)
-- Reads:   actual (by_1 is the day), scopes (budget, and the values that count of by_2 .. by_6;
--          NULL: all)
SELECT
    budget,
    by_1 AS day,
    sum(calls)::BIGINT AS calls,
    coalesce(sum(calls) FILTER (actual_usd IS NULL), 0)::BIGINT AS unpriced,
    sum(actual_usd)::DECIMAL(38, 12) AS cost_usd
FROM actual
JOIN scopes
    ON (values_2 IS NULL OR list_contains(values_2, by_2))
    AND (values_3 IS NULL OR list_contains(values_3, by_3))
    AND (values_4 IS NULL OR list_contains(values_4, by_4))
    AND (values_5 IS NULL OR list_contains(values_5, by_5))
    AND (values_6 IS NULL OR list_contains(values_6, by_6))
GROUP BY ALL
ORDER BY budget, by_1;
