-- Purpose: the cells of calls that are taken as they were logged, by what is nearly free to group by.
-- Grain:   as replay/cells
-- Reads:   calls
-- Writes:  cells
-- Params:  $from_date, $to_date, $zone, $windows, $thresholds, $assume_model (as replay/cells),
--          $by_1 .. $by_6 (of day, month, model, requested_model, endpoint, tier, booking, $extra, and ''),
--          $extra (one more dimension, workload or a tag; '': none),
--          $in_quarters (whether days of $zone are among these, and are no days of UTC)
--
-- The same as replay/cells where no month is closed, no call is a sum and no move takes any, in a third
-- of its time. The columns are grouped as they lie in the store, which costs least, and the few groups
-- are then named and put together. No zone parts the quarters of an hour, from 1973 on.

CREATE OR REPLACE TEMP TABLE cells AS
WITH
    inside AS (
        SELECT
            *,
            input_tokens + cache_read_tokens + cache_write_tokens AS prompt_tokens,
            output_tokens + reasoning_tokens AS produced_tokens
        FROM calls
        WHERE ($from_date IS NULL OR called_at >= day_begins($from_date, $zone))
          AND ($to_date IS NULL OR called_at < day_begins($to_date, $zone))
    ),
    added AS (
        SELECT
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
        GROUP BY ALL
    ),
    named AS (
        SELECT
            *,
            coalesce(quarter, called_on) AS moment,
            state_of(counted_by, failed, has_audio) AS state
        FROM added
    )
SELECT
    DATE '0001-01-01' AS closing,
    coalesce(called_on, DATE '0001-01-01') AS price_date,
    coalesce(requested_model, CASE WHEN served_model IS NULL THEN $assume_model END, '')
        AS requested_model,
    coalesce(served_model, '') AS served_model,
    tier,
    state,
    CASE WHEN state = 'uncounted' THEN coalesce(problem, '') ELSE '' END AS problem,
    endpoint IN ('chat', 'completion', 'response') AS movable,
    counted_by,
    has_recorded,
    '' AS workload,
    -1 AS move,
    window_step,
    prompt_step,
    0 AS moved_window_step,
    0 AS moved_prompt_step,
    CASE WHEN $by_1 <> $extra THEN dimension($by_1, moment, $zone, named.served_model, named.requested_model, endpoint, tier, '', NULL::MAP(VARCHAR, VARCHAR), '', 'open', '') ELSE coalesce(extra, '') END AS by_1,
    CASE WHEN $by_2 <> $extra THEN dimension($by_2, moment, $zone, named.served_model, named.requested_model, endpoint, tier, '', NULL::MAP(VARCHAR, VARCHAR), '', 'open', '') ELSE coalesce(extra, '') END AS by_2,
    CASE WHEN $by_3 <> $extra THEN dimension($by_3, moment, $zone, named.served_model, named.requested_model, endpoint, tier, '', NULL::MAP(VARCHAR, VARCHAR), '', 'open', '') ELSE coalesce(extra, '') END AS by_3,
    CASE WHEN $by_4 <> $extra THEN dimension($by_4, moment, $zone, named.served_model, named.requested_model, endpoint, tier, '', NULL::MAP(VARCHAR, VARCHAR), '', 'open', '') ELSE coalesce(extra, '') END AS by_4,
    CASE WHEN $by_5 <> $extra THEN dimension($by_5, moment, $zone, named.served_model, named.requested_model, endpoint, tier, '', NULL::MAP(VARCHAR, VARCHAR), '', 'open', '') ELSE coalesce(extra, '') END AS by_5,
    CASE WHEN $by_6 <> $extra THEN dimension($by_6, moment, $zone, named.served_model, named.requested_model, endpoint, tier, '', NULL::MAP(VARCHAR, VARCHAR), '', 'open', '') ELSE coalesce(extra, '') END AS by_6,
    sum(calls) AS calls,
    sum(input_tokens) AS input_tokens,
    sum(cache_read_tokens) AS cache_read_tokens,
    sum(cache_write_tokens) AS cache_write_tokens,
    sum(output_tokens) AS output_tokens,
    sum(reasoning_tokens) AS reasoning_tokens,
    0::HUGEINT AS cut_input_tokens,
    0::HUGEINT AS cut_cache_read_tokens,
    0::HUGEINT AS cut_cache_write_tokens,
    sum(named.recorded_usd) AS recorded_usd,
    min(first_call_at) AS first_call_at,
    max(last_call_at) AS last_call_at
FROM named
GROUP BY ALL;
