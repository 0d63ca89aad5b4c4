-- Purpose: the same as replay/added_calls from what was added up when the calls were read.
-- Grain:   one row of calls that replays do not tell apart, and a day of UTC
-- Reads:   day_cells, day_edges
-- Writes:  added
-- Params:  $from_date, $to_date, $windows, $thresholds (all of them edges in day_edges)
--
-- A step of the stored staircase lies on one step of the asked one, on which its upper edge is.

CREATE OR REPLACE TEMP TABLE added AS
SELECT
    called_on,
    NULL::TIMESTAMP AS quarter,
    requested_model,
    served_model,
    tier,
    endpoint,
    counted_by,
    failed,
    has_audio,
    problem,
    has_recorded,
    step(coalesce(day_edges.windows[window_step + 1], 9223372036854775807), $windows) AS window_step,
    step(coalesce(day_edges.thresholds[prompt_step + 1], 9223372036854775807), $thresholds)
        AS prompt_step,
    NULL::VARCHAR AS extra,
    sum(calls) AS calls,
    sum(input_tokens) AS input_tokens,
    sum(cache_read_tokens) AS cache_read_tokens,
    sum(cache_write_tokens) AS cache_write_tokens,
    sum(output_tokens) AS output_tokens,
    sum(reasoning_tokens) AS reasoning_tokens,
    sum(recorded_usd) AS recorded_usd,
    min(first_call_at) AS first_call_at,
    max(last_call_at) AS last_call_at
FROM day_cells
CROSS JOIN day_edges
WHERE ($from_date IS NULL OR called_on >= $from_date)
  AND ($to_date IS NULL OR called_on < $to_date)
GROUP BY ALL;
