-- Purpose: calls grouped by their columns as they lie in the store.
-- Grain:   one row of calls that replays do not tell apart, a day of UTC or a quarter of an hour, $extra,
--          and where $sources are given, a source
-- Reads:   calls
-- Writes:  added
-- Params:  $from_date, $to_date, $zone, $windows, $thresholds (as replay/cells), $extra (one more
--          dimension, workload or a tag; '': none), $in_quarters (whether days of $zone are asked for,
--          and are no days of UTC), $sources (NULL: all)
--
-- No zone parts the quarters of an hour, from 1973 on.

CREATE OR REPLACE TEMP TABLE added AS
WITH
    inside AS (
        SELECT
            *,
            input_tokens + cache_read_tokens + cache_write_tokens AS prompt_tokens,
            output_tokens + reasoning_tokens AS produced_tokens
        FROM calls
        WHERE ($from_date IS NULL OR called_at >= day_begins($from_date, $zone))
          AND ($to_date IS NULL OR called_at < day_begins($to_date, $zone))
          AND ($sources IS NULL OR source_id IN (SELECT unnest($sources::INTEGER[])))
    )
SELECT
    CASE WHEN $sources IS NOT NULL THEN source_id END AS source_id,
    called_at::DATE AS called_on,
    CASE WHEN $in_quarters THEN
        CASE WHEN called_at < TIMESTAMP '1973-01-01' THEN called_at
            ELSE time_bucket(INTERVAL 15 MINUTES, called_at) END
    END AS quarter,
    requested_model,
    served_model,
    tier,
    endpoint,
    counted_by,
    failed,
    audio_tokens > 0 AS has_audio,
    CASE WHEN NOT failed THEN problem END AS problem,
    recorded_usd IS NOT NULL AS has_recorded,
    step(prompt_tokens + audio_tokens + coalesce(max_tokens, produced_tokens), $windows)
        AS window_step,
    step(prompt_tokens, $thresholds) AS prompt_step,
    CASE WHEN $extra <> '' THEN dimension($extra, called_at, $zone, served_model, requested_model, endpoint, tier, '', tags, workload, '', '') END
        AS extra,
    count(*) AS calls,
    sum(input_tokens) AS input_tokens,
    sum(cache_read_tokens) AS cache_read_tokens,
    sum(cache_write_tokens) AS cache_write_tokens,
    sum(output_tokens) AS output_tokens,
    sum(reasoning_tokens) AS reasoning_tokens,
    sum(recorded_usd) AS recorded_usd,
    min(called_at) AS first_call_at,
    max(called_at) AS last_call_at
FROM inside
GROUP BY ALL;
