-- Purpose: add up the calls of the touched sources, in place of what was added up of them before.
-- Grain:   as day_cells
-- Reads:   touched, summed, calls
-- Writes:  day_cells, summed
-- Params:  $windows, $thresholds (those in day_edges)

DELETE FROM day_cells
WHERE source_id IN (SELECT source_id FROM touched);

INSERT INTO day_cells BY NAME
SELECT
    source_id,
    called_at::DATE AS called_on,
    requested_model,
    served_model,
    tier,
    endpoint,
    counted_by,
    failed,
    audio_tokens > 0 AS has_audio,
    CASE WHEN NOT failed THEN problem END AS problem,
    recorded_usd IS NOT NULL AS has_recorded,
    step(
        input_tokens + cache_read_tokens + cache_write_tokens + audio_tokens
        + coalesce(max_tokens, output_tokens + reasoning_tokens),
        $windows
    ) AS window_step,
    step(input_tokens + cache_read_tokens + cache_write_tokens, $thresholds) AS prompt_step,
    count(*) AS calls,
    sum(input_tokens) AS input_tokens,
    sum(cache_read_tokens) AS cache_read_tokens,
    sum(cache_write_tokens) AS cache_write_tokens,
    sum(output_tokens) AS output_tokens,
    sum(reasoning_tokens) AS reasoning_tokens,
    sum(recorded_usd) AS recorded_usd,
    min(called_at) AS first_call_at,
    max(called_at) AS last_call_at
FROM calls
WHERE source_id IN (SELECT source_id FROM touched)
GROUP BY ALL;

INSERT INTO summed BY NAME
SELECT source_id
FROM touched
WHERE source_id NOT IN (SELECT source_id FROM summed);
