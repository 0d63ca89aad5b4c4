-- Purpose: one scan of the calls: add up the tokens of all calls that no price can tell apart.
-- Grain:   price date (UTC) × model names × tier × state × steps as logged and as moved × move ×
--          dimensions × workload (if $by_workload)
-- Reads:   calls, sources, plan (workload, move, cut_tokens, kept_ppm, output_ppm: see auditor.moves)
-- Writes:  cells
-- Params:  $from_date, $to_date (half-open, days of $zone, NULL = no limit), $zone (IANA name),
--          $windows, $thresholds (24 sorted BIGINT each, see macro step),
--          $by_1 .. $by_4 (names of dimensions, '' = none),
--          $assume_model (the model of calls whose log names none, or NULL),
--          $call_id (one call alone, or NULL), $by_workload (keep workloads apart)
--
-- move is what a scenario with moves does with the calls of a workload, -1 where it leaves them. A
-- move may cut tokens off the front of each prompt (those from a cache first: that is what a cache
-- holds), keep a share of it, or expect longer answers; whether the call then fits is judged on what
-- it would send and ask for, rounded up to whole tokens.

CREATE OR REPLACE TEMP TABLE cells AS
WITH
    period AS (
        SELECT
            timezone('UTC', timezone($zone, $from_date::TIMESTAMP)) AS begins_at,
            timezone('UTC', timezone($zone, $to_date::TIMESTAMP)) AS ends_at
    ),
    inside AS (
        SELECT
            calls.*,
            CASE WHEN $by_workload THEN coalesce(calls.workload, '') ELSE '' END AS workload_key,
            input_tokens + cache_read_tokens + cache_write_tokens AS prompt_tokens,
            output_tokens + reasoning_tokens AS produced_tokens
        FROM calls, period
        WHERE (begins_at IS NULL OR called_at >= begins_at)
          AND (ends_at IS NULL OR called_at < ends_at)
          AND ($call_id IS NULL OR call_id = $call_id)
    ),
    planned AS (
        SELECT
            inside.*,
            coalesce(plan.move, -1) AS move,
            least(coalesce(plan.cut_tokens, 0), prompt_tokens) AS cut_tokens,
            coalesce(plan.kept_ppm, 1000000) AS kept_ppm,
            coalesce(plan.output_ppm, 1000000) AS output_ppm
        FROM inside
        LEFT JOIN plan ON plan.workload = inside.workload_key
    ),
    moved AS (
        SELECT
            *,
            least(cut_tokens, cache_read_tokens) AS cut_cache_read_tokens,
            least(greatest(cut_tokens - cache_read_tokens, 0), cache_write_tokens)
                AS cut_cache_write_tokens,
            greatest(cut_tokens - cache_read_tokens - cache_write_tokens, 0) AS cut_input_tokens,
            share_up(prompt_tokens - cut_tokens, kept_ppm) AS sent_tokens,
            coalesce(max_tokens, share_up(produced_tokens, output_ppm)) AS asked_tokens
        FROM planned
    )
SELECT
    coalesce(called_at::DATE, DATE '0001-01-01') AS price_date,     -- 0001-01-01: undated
    coalesce(
        moved.requested_model,
        CASE WHEN moved.served_model IS NULL THEN $assume_model END,
        ''
    ) AS requested_model,
    coalesce(moved.served_model, '') AS served_model,
    tier,
    CASE
        WHEN audio_tokens > 0 THEN 'audio'
        WHEN counted_by <> 'nobody' THEN 'counted'
        WHEN failed THEN 'failed'
        ELSE 'uncounted'
    END AS state,
    coalesce(problem, '') AS problem,
    endpoint IN ('chat', 'completion', 'response') AS movable,
    counted_by,
    recorded_usd IS NOT NULL AS has_recorded,
    workload_key AS workload,
    move,
    step(prompt_tokens + audio_tokens + coalesce(max_tokens, produced_tokens), $windows) AS window_step,
    step(prompt_tokens, $thresholds) AS prompt_step,
    step(sent_tokens + audio_tokens + asked_tokens, $windows) AS moved_window_step,
    step(sent_tokens, $thresholds) AS moved_prompt_step,
    dimension($by_1, called_at, $zone, moved.served_model, moved.requested_model, endpoint, tier, sources.name, tags, workload) AS by_1,
    dimension($by_2, called_at, $zone, moved.served_model, moved.requested_model, endpoint, tier, sources.name, tags, workload) AS by_2,
    dimension($by_3, called_at, $zone, moved.served_model, moved.requested_model, endpoint, tier, sources.name, tags, workload) AS by_3,
    dimension($by_4, called_at, $zone, moved.served_model, moved.requested_model, endpoint, tier, sources.name, tags, workload) AS by_4,
    count(*) AS calls,
    sum(input_tokens) AS input_tokens,
    sum(cache_read_tokens) AS cache_read_tokens,
    sum(cache_write_tokens) AS cache_write_tokens,
    sum(output_tokens) AS output_tokens,
    sum(reasoning_tokens) AS reasoning_tokens,
    sum(cut_input_tokens) AS cut_input_tokens,
    sum(cut_cache_read_tokens) AS cut_cache_read_tokens,
    sum(cut_cache_write_tokens) AS cut_cache_write_tokens,
    sum(recorded_usd) AS recorded_usd,
    min(called_at) AS first_call_at,
    max(called_at) AS last_call_at
FROM moved
JOIN sources USING (source_id)
GROUP BY ALL;
