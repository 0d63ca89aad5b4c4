-- Purpose: find the calls of one source that the store has already, and which reading is the better.
-- Grain:   one row a call that arrives and that the store has
-- Reads:   arriving, calls, sources, closings
-- Writes:  superseded
-- Params:  $name, $sha256
--
-- A call that the store already has stays as it is, unless the arriving reading is better by the
-- order of macro quality: then the stored reading gives way. Of two that are equal the one whose
-- source comes first by name and hash stays, so that the order of arrival decides nothing.

CREATE OR REPLACE TEMP TABLE superseded AS
SELECT
    calls.call_id,
    calls.source_id AS stored_source,
    (calls.input_tokens, calls.cache_read_tokens, calls.cache_write_tokens, calls.output_tokens,
        calls.reasoning_tokens)
    <> (arriving.input_tokens, arriving.cache_read_tokens, arriving.cache_write_tokens,
        arriving.output_tokens, arriving.reasoning_tokens) AS differs,
    (quality(
        arriving.counted_by, arriving.input_tokens, arriving.cache_read_tokens,
        arriving.cache_write_tokens, arriving.output_tokens, arriving.reasoning_tokens,
        arriving.audio_tokens, arriving.failed, arriving.called_at, arriving.served_model,
        arriving.requested_model, arriving.endpoint, arriving.tier, arriving.max_tokens,
        arriving.recorded_usd, arriving.tags, arriving.problem
    ), (sources.name, sources.sha256)) > (quality(
        calls.counted_by, calls.input_tokens, calls.cache_read_tokens, calls.cache_write_tokens,
        calls.output_tokens, calls.reasoning_tokens, calls.audio_tokens, calls.failed,
        calls.called_at, calls.served_model, calls.requested_model, calls.endpoint, calls.tier,
        calls.max_tokens, calls.recorded_usd, calls.tags, calls.problem
    ), ($name, $sha256)) AS arriving_is_better,
    EXISTS (
        FROM closings
        WHERE calls.called_at >= begins_at AND calls.called_at < ends_at
          AND calls.source_id <= last_source
    ) AS is_closed,
    calls.workload AS stored_workload,
    calls.prompt AS stored_prompt,
    arriving.workload AS arriving_workload,
    arriving.prompt AS arriving_prompt
FROM calls
JOIN arriving USING (call_id)
JOIN sources USING (source_id);
