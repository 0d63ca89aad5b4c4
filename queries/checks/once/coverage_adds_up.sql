-- Purpose: the calls that the figures are about are those that were read, less those outside the period.
-- Grain:   one row when they are not
-- Reads:   covered (the row of replay/coverage, and whether a period is asked for)
SELECT
    'coverage' AS what, lines, calls, buckets, duplicates, rejects, context, counted,
    summed_requests, outside_period
FROM covered
WHERE lines <> calls + buckets + duplicates + rejects + context
   OR counted <> calls + summed_requests
   OR least(
        calls, buckets, duplicates, rejects, context, counted, summed_requests, set_aside,
        set_aside_requests, outside_period, undated
    ) < 0
   OR (NOT has_period AND outside_period <> 0);
