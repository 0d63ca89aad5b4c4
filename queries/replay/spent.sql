-- Purpose: the actual cost of the logged calls, in all or by group.
-- Grain:   dimensions, and one row for all of them (is_total)
-- Reads:   actual
--
-- doubtful: priced by a row that the book marks as likely, not certain.
-- calls = priced + unpriced + failed. recorded_usd is what the log itself claims, on
-- recorded_calls calls; recorded_actual_usd is the actual cost of those that are priced.

SELECT
    grouping(by_1) = 1 AS is_total,
    nullif(by_1, '') AS by_1, nullif(by_2, '') AS by_2,
    nullif(by_3, '') AS by_3, nullif(by_4, '') AS by_4,
    nullif(by_5, '') AS by_5, nullif(by_6, '') AS by_6,
    coalesce(sum(calls), 0)::BIGINT AS calls,
    coalesce(sum(calls) FILTER (state = 'failed'), 0)::BIGINT AS failed,
    coalesce(sum(calls) FILTER (state <> 'failed' AND actual_usd IS NOT NULL), 0)::BIGINT AS priced,
    coalesce(sum(calls) FILTER (actual_usd IS NULL), 0)::BIGINT AS unpriced,
    coalesce(sum(calls) FILTER (NOT movable AND state <> 'failed'), 0)::BIGINT AS not_moved,
    coalesce(sum(calls) FILTER (epoch = DATE '0001-01-01'), 0)::BIGINT AS undated,
    coalesce(sum(prompt_tokens), 0)::BIGINT AS input_tokens,
    coalesce(sum(produced_tokens), 0)::BIGINT AS output_tokens,
    sum(actual_usd) FILTER (state <> 'failed') AS cost_usd,
    sum(actual_usd) FILTER (NOT movable AND state <> 'failed') AS not_moved_usd,
    coalesce(sum(calls) FILTER (NOT certain AND state = 'counted'), 0)::BIGINT AS doubtful_calls,
    sum(actual_usd) FILTER (NOT certain AND state = 'counted') AS doubtful_usd,
    coalesce(sum(calls) FILTER (has_recorded), 0)::BIGINT AS recorded_calls,
    sum(recorded_usd) AS recorded_usd,
    sum(actual_usd) FILTER (has_recorded) AS recorded_actual_usd,
    coalesce(sum(calls) FILTER (counted_by = 'provider'), 0)::BIGINT AS counted_by_provider,
    coalesce(sum(calls) FILTER (counted_by = 'tokenizer'), 0)::BIGINT AS counted_by_tokenizer,
    coalesce(sum(calls) FILTER (counted_by = 'estimate'), 0)::BIGINT AS counted_by_estimate
FROM actual
GROUP BY GROUPING SETS ((by_1, by_2, by_3, by_4, by_5, by_6), ())
ORDER BY is_total DESC, by_1 NULLS FIRST, by_2 NULLS FIRST, by_3 NULLS FIRST, by_4 NULLS FIRST,
    by_5 NULLS FIRST, by_6 NULLS FIRST;
