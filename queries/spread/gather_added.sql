-- Purpose: add up what several machines added up.
-- Grain:   as added (replay/added_calls)
-- Reads:   partial (a frame in memory: rows of added)
-- Writes:  added
CREATE OR REPLACE TEMP TABLE added AS
SELECT
    source_id, called_on, quarter, requested_model, served_model, tier, endpoint, counted_by, failed,
    has_audio, problem, has_recorded, window_step, prompt_step, extra,
    sum(calls)::BIGINT AS calls,
    sum(input_tokens)::HUGEINT AS input_tokens,
    sum(cache_read_tokens)::HUGEINT AS cache_read_tokens,
    sum(cache_write_tokens)::HUGEINT AS cache_write_tokens,
    sum(output_tokens)::HUGEINT AS output_tokens,
    sum(reasoning_tokens)::HUGEINT AS reasoning_tokens,
    sum(recorded_usd)::DECIMAL(38, 24) AS recorded_usd,
    min(first_call_at) AS first_call_at,
    max(last_call_at) AS last_call_at
FROM partial
GROUP BY ALL;
