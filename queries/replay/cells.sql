-- Purpose: one scan of the calls: add up the tokens of all calls that no price can tell apart.
-- Grain:   closing × price date (UTC) × model names × tier × state × steps as logged and as moved × move ×
--          dimensions × workload (where moves tell them apart)
-- Reads:   considered (the calls, see replay/as_logged and replay/as_moved), sources
-- Writes:  cells
-- Params:  $from_date, $to_date (half-open, days of $zone, NULL = no limit), $zone (IANA name),
--          $windows, $thresholds (24 sorted BIGINT each, see macro step),
--          $by_1 .. $by_6 (names of dimensions, '' = none),
--          $assume_model (the model of calls whose log names none, or NULL),
--          $call_id (one call alone, or NULL)
--
-- Calls with the sign -1 are taken out (see replay/booked_closed). Whether a moved call fits is judged
-- on what it would send and ask for. A sum of many requests counts as so many calls, and is judged by
-- its average request; that of a day of UTC stays on that day, whatever the zone.

CREATE OR REPLACE TEMP TABLE cells AS
WITH
    placed AS (
        SELECT * REPLACE (
            CASE WHEN is_day THEN day_in(called_at, $zone) ELSE called_at END AS called_at
        )
        FROM considered
    ),
    inside AS (
        SELECT placed.*
        FROM placed, period_of($from_date, $to_date, $zone)
        WHERE (begins_at IS NULL OR called_at >= begins_at)
          AND (ends_at IS NULL OR called_at < ends_at)
          AND ($call_id IS NULL OR call_id = $call_id)
    )
SELECT
    closing,
    coalesce(called_at::DATE, DATE '0001-01-01') AS price_date,     -- 0001-01-01: undated
    coalesce(
        inside.requested_model,
        CASE
            WHEN inside.served_model IS NOT NULL THEN NULL
            WHEN closing = DATE '0001-01-01' THEN $assume_model
            ELSE closed_model
        END,
        ''
    ) AS requested_model,
    coalesce(inside.served_model, '') AS served_model,
    tier,
    state_of(counted_by, failed, audio_tokens > 0) AS state,
    CASE WHEN state_of(counted_by, failed, audio_tokens > 0) = 'uncounted'
        THEN coalesce(problem, '') ELSE '' END AS problem,
    endpoint IN ('chat', 'completion', 'response') AS movable,
    counted_by,
    recorded_usd IS NOT NULL AS has_recorded,
    workload_key AS workload,
    move,
    step(
        per_request(
            prompt_tokens + audio_tokens + coalesce(max_tokens, produced_tokens), requests
        ),
        $windows
    ) AS window_step,
    step(per_request(prompt_tokens, requests), $thresholds) AS prompt_step,
    CASE
        WHEN is_planned
            THEN step(per_request(sent_tokens + audio_tokens + asked_tokens, requests), $windows)
        ELSE 0
    END AS moved_window_step,
    CASE WHEN is_planned THEN step(per_request(sent_tokens, requests), $thresholds) ELSE 0 END
        AS moved_prompt_step,
    dimension($by_1, called_at, $zone, inside.served_model, inside.requested_model, endpoint, tier, sources.name, tags, workload, booking, sources.sha256) AS by_1,
    dimension($by_2, called_at, $zone, inside.served_model, inside.requested_model, endpoint, tier, sources.name, tags, workload, booking, sources.sha256) AS by_2,
    dimension($by_3, called_at, $zone, inside.served_model, inside.requested_model, endpoint, tier, sources.name, tags, workload, booking, sources.sha256) AS by_3,
    dimension($by_4, called_at, $zone, inside.served_model, inside.requested_model, endpoint, tier, sources.name, tags, workload, booking, sources.sha256) AS by_4,
    dimension($by_5, called_at, $zone, inside.served_model, inside.requested_model, endpoint, tier, sources.name, tags, workload, booking, sources.sha256) AS by_5,
    dimension($by_6, called_at, $zone, inside.served_model, inside.requested_model, endpoint, tier, sources.name, tags, workload, booking, sources.sha256) AS by_6,
    sum(sign * requests) AS calls,
    sum(input_tokens * sign) AS input_tokens,
    sum(cache_read_tokens * sign) AS cache_read_tokens,
    sum(cache_write_tokens * sign) AS cache_write_tokens,
    sum(output_tokens * sign) AS output_tokens,
    sum(reasoning_tokens * sign) AS reasoning_tokens,
    sum(cut_input_tokens * sign) AS cut_input_tokens,
    sum(cut_cache_read_tokens * sign) AS cut_cache_read_tokens,
    sum(cut_cache_write_tokens * sign) AS cut_cache_write_tokens,
    sum(CASE WHEN sign < 0 THEN -recorded_usd ELSE recorded_usd END) AS recorded_usd,
    min(called_at) AS first_call_at,
    max(called_at) AS last_call_at
FROM inside
JOIN sources USING (source_id)
GROUP BY ALL;
