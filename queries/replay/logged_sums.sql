-- Purpose: what the figures are about, in a store that holds sums: each request once.
-- Grain:   call or bucket
-- Reads:   calls, buckets
-- Writes:  logged (a temporary view)
--
-- On a day (UTC) with single calls the sums of that day are of the same traffic and are left out.
-- Exports that are cut into buckets of another width, or grouped by other names, are sums of the
-- same requests. Of each kind one of them counts on each day: one that tells models apart, then the
-- one with the most requests, then with the most tokens, then the finer.
CREATE OR REPLACE TEMP VIEW logged AS
WITH
    single AS (
        SELECT *
        FROM calls
        WHERE call_id NOT IN (SELECT call_id FROM buckets)
    ),
    logged_days AS (
        SELECT DISTINCT called_at::DATE AS day
        FROM single
        WHERE called_at IS NOT NULL
    ),
    summed AS (
        SELECT
            call_id, requests, kind, grouped_by,
            called_at::DATE AS day,
            ends_at - called_at AS width,
            coalesce(served_model, requested_model) IS NOT NULL AS has_model,
            input_tokens + cache_read_tokens + cache_write_tokens + output_tokens
                + reasoning_tokens + audio_tokens AS tokens,
            called_at = called_at::DATE AND ends_at = ends_at::DATE AS is_day
        FROM calls
        JOIN buckets USING (call_id)
        WHERE NOT EXISTS (
            FROM logged_days WHERE logged_days.day >= called_at::DATE AND logged_days.day < ends_at
        )
    ),
    exports AS (
        SELECT day, kind, width, grouped_by
        FROM summed
        GROUP BY day, kind, width, grouped_by
        QUALIFY row_number() OVER (
            PARTITION BY day, kind
            ORDER BY bool_or(has_model) DESC, sum(requests) DESC, sum(tokens) DESC, width,
                length(grouped_by) DESC, grouped_by
        ) = 1
    )
SELECT single.*, 1::BIGINT AS requests, false AS is_day
FROM single
UNION ALL BY NAME
SELECT calls.*, summed.requests, summed.is_day
FROM calls
JOIN summed USING (call_id)
SEMI JOIN exports USING (day, kind, width, grouped_by);
