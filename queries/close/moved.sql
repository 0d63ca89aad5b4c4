-- Purpose: closed months whose figures are no more what they were closed with.
-- Grain:   month
-- Reads:   closings, spent (gathered rows of that query, by month and booking)
WITH now AS (
    SELECT
        by_1 AS month,
        calls, unpriced, input_tokens, output_tokens,
        coalesce(cost_usd, 0) AS actual_usd
    FROM spent
    WHERE by_2 = 'closed' AND NOT is_total
)
SELECT
    closings.month,
    closings.tool,
    closings.calls AS closed_calls,
    coalesce(now.calls, 0) AS calls,
    closings.actual_usd AS closed_usd,
    coalesce(now.actual_usd, 0)::DECIMAL(38, 18) AS actual_usd
FROM closings
LEFT JOIN now ON now.month = strftime(closings.month, '%Y-%m')
WHERE (closings.calls, closings.unpriced, closings.input_tokens, closings.output_tokens)
    <> (coalesce(now.calls, 0), coalesce(now.unpriced, 0), coalesce(now.input_tokens, 0),
        coalesce(now.output_tokens, 0))
   OR closings.actual_usd <> coalesce(now.actual_usd, 0)
ORDER BY closings.month;
