-- Purpose: one batch of readings as the store takes them, each with its identity.
-- Grain:   one row a call
-- Reads:   batch_calls (a frame in memory)
-- Writes:  batch_rows (a temporary view)
--
-- is_plain: nobody could take its id for one that we make, and it comes without text.

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
