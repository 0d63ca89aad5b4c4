-- Purpose: bring those calls of one source into the store that are not in it yet, each call once.
-- Grain:   one row a call
-- Reads:   arriving, calls, sources, closings
-- Writes:  calls, texts, superseded, replaced
-- Params:  $source_id, $name, $sha256
--
-- What a call belongs to is told by the better reading, unless only the other one knows.
-- A call that the store already has stays as it is, unless the arriving reading is better by the
-- order of macro quality: then the stored reading gives way. Of two that are equal the one whose
-- source comes first by name and hash stays, so that the order of arrival decides nothing. What a
-- closed month holds is kept beside (replaced) before it gives way.

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

-- Text that was kept stays until a better reading brings its own.
DELETE FROM texts
WHERE call_id IN (
    SELECT call_id
    FROM superseded
    JOIN arriving USING (call_id)
    WHERE arriving_is_better AND request_json IS NOT NULL
);

UPDATE calls
SET workload = coalesce(workload, arriving_workload), prompt = coalesce(calls.prompt, arriving_prompt)
FROM superseded
WHERE calls.call_id = superseded.call_id
  AND NOT arriving_is_better AND NOT is_closed
  AND ((workload IS NULL AND arriving_workload IS NOT NULL)
    OR (calls.prompt IS NULL AND arriving_prompt IS NOT NULL));

-- What a closed month had stays booked there.
INSERT INTO replaced BY NAME
SELECT calls.*, $source_id::INTEGER AS replaced_by
FROM calls
JOIN superseded USING (call_id)
WHERE arriving_is_better AND is_closed;

DELETE FROM calls
WHERE call_id IN (SELECT call_id FROM superseded WHERE arriving_is_better);

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
