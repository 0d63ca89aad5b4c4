-- Purpose: the calls as `audit convert` writes them.
-- Grain:   one row a call
-- Reads:   calls, buckets, sources, workloads, texts
-- Params:  $keyed (whether prompt hashes were made with a key that only the user knows)
SELECT
    1 AS audit_calls,
    calls.call_id,
    sources.name AS source_name,
    sources.sha256 AS source_sha256,
    sources.format AS source_format,
    calls.line,
    calls.called_at,
    calls.requested_model,
    calls.served_model,
    calls.endpoint,
    calls.tier,
    calls.counted_by,
    calls.failed,
    calls.problem,
    calls.input_tokens,
    calls.cache_read_tokens,
    calls.cache_write_tokens,
    calls.output_tokens,
    calls.reasoning_tokens,
    calls.audio_tokens,
    calls.max_tokens,
    calls.recorded_usd::VARCHAR AS recorded_usd,
    map_entries(calls.tags) AS tags,
    calls.whole_answer,
    calls.uses_tools,
    calls.workload,
    workloads.found_by AS workload_found_by,
    workloads.label AS workload_label,
    CASE WHEN $keyed THEN calls.prompt END AS prompt,
    texts.request_json,
    texts.answer_json
FROM calls
JOIN sources USING (source_id)
LEFT JOIN workloads ON workloads.workload = calls.workload
LEFT JOIN texts ON texts.call_id = calls.call_id
WHERE calls.call_id NOT IN (SELECT call_id FROM buckets)
ORDER BY sources.name, sources.sha256, calls.line, calls.call_id;
