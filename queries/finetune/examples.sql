-- Purpose: the calls that a workload could be trained on, and those that are drawn.
-- Grain:   one row a workload ('': calls of none, or all calls where not $by_workload)
-- Reads:   calls, plan (shown, cut_tokens, kept_ppm: of the moving scenario)
-- Params:  $from_date, $to_date, $zone (as replay/cells), $by_workload, $most (examples to draw),
--          $frame (tokens of an example beyond its prompt and answer), $limit (billed tokens of one)
--
-- Usable are answered calls of chat and completion models whose tokens are counted, whose answer is
-- one, whole, and shorter than what was asked for; the same prompt twice is one example. They are
-- drawn in the order of the hash of their ids, which has nothing to do with what they say.
WITH
    period AS (
        SELECT
            timezone('UTC', timezone($zone, $from_date::TIMESTAMP)) AS begins_at,
            timezone('UTC', timezone($zone, $to_date::TIMESTAMP)) AS ends_at
    ),
    usable AS (
        SELECT
            CASE WHEN $by_workload THEN coalesce(workload, '') ELSE '' END AS workload,
            prompt,
            CASE WHEN prompt IS NULL THEN call_id END AS alone,
            md5_number_lower(call_id) AS draw,
            call_id,
            input_tokens + cache_read_tokens + cache_write_tokens AS prompt_tokens,
            output_tokens + reasoning_tokens AS produced_tokens
        FROM calls, period
        WHERE (begins_at IS NULL OR called_at >= begins_at)
          AND (ends_at IS NULL OR called_at < ends_at)
          AND endpoint IN ('chat', 'completion', 'response')
          AND whole_answer AND NOT failed AND counted_by <> 'nobody' AND audio_tokens = 0
          AND output_tokens > 0
          AND (max_tokens IS NULL OR output_tokens + reasoning_tokens < max_tokens)
    ),
    once AS (
        SELECT
            workload,
            min((draw, call_id, prompt_tokens, produced_tokens)) AS first
        FROM usable
        GROUP BY workload, prompt, alone
    ),
    placed AS (
        SELECT
            workload,
            first[3] AS prompt_tokens,
            first[4] AS produced_tokens,
            row_number() OVER (PARTITION BY workload ORDER BY first) AS place
        FROM once
    ),
    long AS (
        SELECT
            placed.workload,
            place,
            share_up(
                prompt_tokens - least(coalesce(plan.cut_tokens, 0), prompt_tokens),
                coalesce(plan.kept_ppm, 1000000)
            ) + produced_tokens + $frame AS tokens
        FROM placed
        LEFT JOIN (SELECT DISTINCT shown AS workload, cut_tokens, kept_ppm FROM plan) AS plan
            USING (workload)
    )
SELECT
    workload,
    count(*)::BIGINT AS usable,
    (count(*) FILTER (place <= $most))::BIGINT AS examples,
    coalesce(sum(least(tokens, $limit)) FILTER (place <= $most), 0)::BIGINT AS example_tokens,
    (count(*) FILTER (place <= $most AND tokens > $limit))::BIGINT AS truncated
FROM long
GROUP BY workload
ORDER BY workload;
