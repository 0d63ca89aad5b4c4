-- Purpose: add up what several machines added up.
-- Grain:   as cells (replay/cells)
-- Reads:   partial (a frame in memory: rows of cells)
-- Writes:  cells
CREATE OR REPLACE TEMP TABLE cells AS
SELECT
    closing, price_date, requested_model, served_model, tier, state, problem, movable, counted_by,
    has_recorded, workload, move, window_step, prompt_step, moved_window_step, moved_prompt_step,
    by_1, by_2, by_3, by_4, by_5, by_6,
    sum(calls)::HUGEINT AS calls,
    sum(input_tokens)::HUGEINT AS input_tokens,
    sum(cache_read_tokens)::HUGEINT AS cache_read_tokens,
    sum(cache_write_tokens)::HUGEINT AS cache_write_tokens,
    sum(output_tokens)::HUGEINT AS output_tokens,
    sum(reasoning_tokens)::HUGEINT AS reasoning_tokens,
    sum(cut_input_tokens)::HUGEINT AS cut_input_tokens,
    sum(cut_cache_read_tokens)::HUGEINT AS cut_cache_read_tokens,
    sum(cut_cache_write_tokens)::HUGEINT AS cut_cache_write_tokens,
    sum(recorded_usd)::DECIMAL(38, 24) AS recorded_usd,
    min(first_call_at) AS first_call_at,
    max(last_call_at) AS last_call_at
FROM partial
GROUP BY ALL;
