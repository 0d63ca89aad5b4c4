-- Purpose: what the calls (or sums) come to, as finely as they are compared with an invoice.
-- Grain:   day × edge of the day × model names × model of the price × whether a cost is recorded
-- Reads:   actual, names (by_1 is the day, by_2 the edge: first, last or '')
--
-- unpriced are answered calls without an actual cost; cost_usd and tokens are of the others.
SELECT
    by_1::DATE AS day,
    by_2 AS edge,
    requested_model,
    served_model,
    coalesce(model, '') AS priced_as,
    has_recorded,
    coalesce(sum(calls) FILTER (state <> 'failed'), 0)::BIGINT AS answered,
    coalesce(sum(calls) FILTER (state = 'failed'), 0)::BIGINT AS failed,
    coalesce(sum(calls) FILTER (actual_usd IS NULL), 0)::BIGINT AS unpriced,
    coalesce(sum(actual_usd), 0)::DECIMAL(38, 24) AS cost_usd,
    coalesce(sum(actual_usd) FILTER (counted_by = 'tokenizer'), 0)::DECIMAL(38, 24) AS counted_usd,
    coalesce(sum(actual_usd) FILTER (counted_by = 'estimate'), 0)::DECIMAL(38, 24) AS estimated_usd,
    sum(recorded_usd)::DECIMAL(38, 24) AS recorded_usd,
    coalesce(sum(input_tokens) FILTER (actual_usd IS NOT NULL), 0)::BIGINT AS input_tokens,
    coalesce(sum(cache_read_tokens) FILTER (actual_usd IS NOT NULL), 0)::BIGINT AS cache_read_tokens,
    coalesce(sum(cache_write_tokens) FILTER (actual_usd IS NOT NULL), 0)::BIGINT
        AS cache_write_tokens,
    coalesce(sum(produced_tokens) FILTER (actual_usd IS NOT NULL), 0)::BIGINT AS output_tokens
FROM actual
WHERE by_1 <> ''
GROUP BY ALL
ORDER BY ALL;
