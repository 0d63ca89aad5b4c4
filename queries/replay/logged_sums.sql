-- Purpose: what the figures are about, in a store that holds nothing but sums: each request once.
-- Grain:   bucket
-- Reads:   calls, buckets
-- Writes:  logged (a temporary view)
--
-- Exports that are cut into buckets of another width, or grouped by other names, are sums of the
-- same requests. Of each kind one of them counts on each day (UTC): one that tells models apart,
-- then the one with the most requests, then with the most tokens, then the finer.
CREATE OR REPLACE TEMP VIEW logged AS
WITH
    summed AS (
        SELECT
            call_id, requests, kind, grouped_by,
            called_at::DATE AS day,
            ends_at - called_at AS width,
            coalesce(served_model, requested_model) IS NOT NULL AS has_model,
            input_tokens + cache_read_tokens + cache_write_tokens + output_tokens
                + reasoning_tokens + audio_tokens AS tokens
        FROM calls
        JOIN buckets USING (call_id)
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
SELECT calls.*, summed.requests
FROM calls
JOIN summed USING (call_id)
SEMI JOIN exports USING (day, kind, width, grouped_by);
