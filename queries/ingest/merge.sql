-- Purpose: bring those calls of one source into the store that are not in it yet, each call once.
-- Grain:   one row a call
-- Reads:   arriving, superseded
-- Writes:  calls, texts
-- Params:  $source_id

INSERT INTO calls BY NAME
SELECT
    call_id, $source_id::INTEGER AS source_id, line, called_at, requested_model, served_model,
    endpoint, tier, counted_by, failed, problem, input_tokens, cache_read_tokens,
    cache_write_tokens, output_tokens, reasoning_tokens, audio_tokens, max_tokens, recorded_usd,
    tags, whole_answer, uses_tools,
    coalesce(workload, stored_workload) AS workload,
    coalesce(prompt, stored_prompt) AS prompt
FROM arriving
LEFT JOIN superseded USING (call_id)
WHERE call_id NOT IN (SELECT call_id FROM superseded WHERE NOT arriving_is_better);

INSERT INTO texts BY NAME
SELECT call_id, request_json, answer_json
FROM arriving
WHERE request_json IS NOT NULL
  AND call_id NOT IN (SELECT call_id FROM texts);
