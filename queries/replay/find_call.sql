-- Purpose: one stored call, by its id or by where it stands.
-- Grain:   one row a call that goes by the name
-- Reads:   calls, buckets, sources
-- Params:  $wanted (a call id, or SOURCE:LINE)
SELECT
    call_id, sources.name AS source_name, sources.format, line, called_at, requested_model,
    served_model, endpoint, tier, counted_by, failed, problem, input_tokens, cache_read_tokens,
    cache_write_tokens, output_tokens, reasoning_tokens, audio_tokens, max_tokens, recorded_usd,
    tags, coalesce(requests, 1)::BIGINT AS requests, kind AS bucket_kind, ends_at, grouped_by
FROM calls
JOIN sources USING (source_id)
LEFT JOIN buckets USING (call_id)
WHERE call_id = $wanted OR sources.name || ':' || line = $wanted
ORDER BY call_id;
