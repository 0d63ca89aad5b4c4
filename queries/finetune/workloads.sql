-- Purpose: what each workload is, as far as the store knows.
-- Grain:   workload (NULL: calls that show neither tag nor text)
-- Reads:   calls, workloads, texts, actual (by workload, in by_1)
WITH
    stored AS (
        SELECT
            workload,
            count(*) AS calls,
            count(DISTINCT prompt) AS prompts,
            min(called_at) AS first_call_at,
            max(called_at) AS last_call_at,
            sum(input_tokens + cache_read_tokens + cache_write_tokens) AS input_tokens,
            sum(output_tokens + reasoning_tokens) AS output_tokens,
            list_sort(list(DISTINCT coalesce(served_model, requested_model, ''))) AS models,
            min(call_id) FILTER (call_id IN (SELECT call_id FROM texts WHERE request_json <> '{}')) AS example
        FROM calls
        WHERE endpoint IN ('chat', 'completion', 'response')
        GROUP BY workload
    ),
    spent AS (
        SELECT by_1 AS workload, sum(actual_usd) AS cost_usd
        FROM actual
        WHERE movable
        GROUP BY by_1
    )
SELECT
    stored.workload,
    found_by,
    label,
    calls::BIGINT AS calls,
    prompts::BIGINT AS prompts,
    first_call_at,
    last_call_at,
    input_tokens::BIGINT AS input_tokens,
    output_tokens::BIGINT AS output_tokens,
    models,
    cost_usd,
    request_json
FROM stored
LEFT JOIN workloads USING (workload)
LEFT JOIN spent ON spent.workload = coalesce(stored.workload, '')
LEFT JOIN texts ON texts.call_id = stored.example
ORDER BY cost_usd DESC NULLS LAST, calls DESC, stored.workload NULLS LAST;
