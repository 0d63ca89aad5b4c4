-- Purpose: the token cube: the cells, with days that have the same prices taken together.
-- Grain:   closing × epoch × model names × tier × state × steps × move × dimensions × workload; cell numbers it
-- Reads:   cells, epochs (price_date, epoch)
-- Writes:  cube

CREATE OR REPLACE TEMP TABLE cube AS
WITH
    added AS (
        SELECT
            closing, epoch, requested_model, served_model, tier, state, movable, counted_by, has_recorded,
            workload, move, window_step, prompt_step, moved_window_step, moved_prompt_step,
            by_1, by_2, by_3, by_4, by_5, by_6,
            CASE WHEN state = 'uncounted' THEN problem ELSE '' END AS problem,
            sum(calls) AS calls,
            sum(input_tokens) AS input_tokens,
            sum(cache_read_tokens) AS cache_read_tokens,
            sum(cache_write_tokens) AS cache_write_tokens,
            sum(output_tokens) AS output_tokens,
            sum(reasoning_tokens) AS reasoning_tokens,
            sum(cut_input_tokens) AS cut_input_tokens,
            sum(cut_cache_read_tokens) AS cut_cache_read_tokens,
            sum(cut_cache_write_tokens) AS cut_cache_write_tokens,
            sum(input_tokens + cache_read_tokens + cache_write_tokens) AS prompt_tokens,
            sum(output_tokens + reasoning_tokens) AS produced_tokens,
            sum(recorded_usd) AS recorded_usd,
            min(first_call_at) AS first_call_at
        FROM cells
        JOIN epochs USING (price_date)
        GROUP BY ALL
    )
SELECT row_number() OVER () AS cell, *
FROM added;
