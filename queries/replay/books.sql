-- Purpose: which price book the actual cost comes from.
-- Grain:   book (name of its file)
-- Reads:   actual
SELECT
    book,
    sum(calls)::BIGINT AS calls,
    sum(actual_usd) AS cost_usd
FROM actual
WHERE actual_usd IS NOT NULL AND state <> 'failed'
GROUP BY ALL
ORDER BY book;
