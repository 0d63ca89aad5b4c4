-- Purpose: the calls with what the moves of one scenario do with each.
-- Grain:   call
-- Reads:   booked, plan (workload, served, shown, move, cut_tokens, cut_by_all, kept_ppm, output_ppm: see scenarios.plans)
-- Writes:  considered (a temporary view)
--
-- move is the place of the move that takes the call, -1 where none does. A move may cut tokens off
-- the front of each prompt (those from a cache first: that is what a cache holds), send only a share
-- of it, or expect longer answers. sent_tokens and asked_tokens, by which is judged whether a call
-- fits, are rounded up to whole tokens. Where not every call has the tokens to cut, nobody knows which
-- have: then none fits for being cut.
CREATE OR REPLACE TEMP VIEW considered AS
WITH
    planned AS (
        SELECT
            booked.*,
            input_tokens + cache_read_tokens + cache_write_tokens AS prompt_tokens,
            output_tokens + reasoning_tokens AS produced_tokens,
            coalesce(plan.shown, booked.workload, '') AS workload_key,
            coalesce(plan.move, -1) AS move,
            coalesce(plan.cut_tokens, 0) AS plan_cut_tokens,
            coalesce(plan.cut_by_all, false) AS cut_by_all,
            coalesce(plan.kept_ppm, 1000000) AS kept_ppm,
            coalesce(plan.output_ppm, 1000000) AS output_ppm
        FROM booked
        LEFT JOIN plan
            ON plan.workload = coalesce(booked.workload, '')
            AND plan.served = coalesce(booked.served_model, booked.requested_model, '')
    ),
    cut AS (
        SELECT * EXCLUDE (plan_cut_tokens), least(plan_cut_tokens, prompt_tokens) AS cut_tokens
        FROM planned
    )
SELECT
    * EXCLUDE (cut_tokens, cut_by_all, kept_ppm, output_ppm),
    true AS is_planned,
    greatest(cut_tokens - cache_read_tokens - cache_write_tokens, 0) AS cut_input_tokens,
    least(cut_tokens, cache_read_tokens) AS cut_cache_read_tokens,
    least(greatest(cut_tokens - cache_read_tokens, 0), cache_write_tokens)
        AS cut_cache_write_tokens,
    share_up(
        prompt_tokens - CASE WHEN cut_by_all THEN cut_tokens ELSE 0 END, kept_ppm
    ) AS sent_tokens,
    coalesce(max_tokens, share_up(produced_tokens, output_ppm)) AS asked_tokens
FROM cut;
