-- Purpose: take one batch of readings in.
-- Grain:   one row a call, one row a reject
-- Reads:   batch_calls, batch_rejects (frames in memory)
-- Writes:  calls, staged, refused
-- Params:  $source_id, $are_many (whether the source is a large one)
--
-- Most calls are what they are, whatever else there is. Where there are many they go straight into
-- the store, and what turns out to share its id is taken back (take_back). Calls that come with text
-- are staged, as are those whose own id might be taken for one that we make.

CREATE OR REPLACE TEMP VIEW batch_rows AS
WITH typed AS (
    SELECT
        * EXCLUDE (recorded, tag_names, tag_values),
        recorded::DECIMAL(38, 24) AS recorded_usd,
        coalesce(map(tag_names, tag_values), map()) AS tags
    FROM batch_calls
)
SELECT
    * EXCLUDE (id, fingerprint),
    id IS NULL AS unnamed,
    CASE WHEN id IS NULL THEN row_id(
        called_at, requested_model, served_model, endpoint, tier, failed, counted_by, input_tokens,
        cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, audio_tokens,
        max_tokens, recorded_usd, tags, fingerprint
    ) ELSE id END AS call_id,
    request_json IS NULL AND (id IS NULL OR NOT starts_with(id, 'row-')) AS is_plain
FROM typed;

INSERT INTO calls BY NAME
SELECT
    * EXCLUDE (unnamed, is_plain, request_json, answer_json),
    $source_id::INTEGER AS source_id
FROM batch_rows
WHERE $are_many AND is_plain;

INSERT INTO staged BY NAME
SELECT * EXCLUDE (is_plain)
FROM batch_rows
WHERE NOT ($are_many AND is_plain);

INSERT INTO refused BY NAME
SELECT * FROM batch_rejects;
