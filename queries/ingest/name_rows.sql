-- Purpose: give every staged call its identity, and keep the best of those that share one.
-- Grain:   one row a call of the source being read
-- Reads:   staged (line, id, fingerprint, the columns of calls, request_json, answer_json)
-- Writes:  arriving
--
-- A provider's id is the identity. Where the log has none it is the hash of what the log says of
-- the call, and the ordinal among equal rows of this source: two equal rows of one file are two
-- calls, the same rows in an overlapping export are not. Counts of our own are left out of the
-- hash, so that a better tokenizer finds the same call again.
--
-- Of several readings of one call the best stays: counted by the provider before counted by us,
-- then the one with more tokens, then the greater in a total order of the remaining fields. The
-- choice is a maximum, so it does not depend on the order in which files arrive.

CREATE OR REPLACE TEMP TABLE arriving AS
WITH
    hashed AS (
        SELECT
            *,
            md5(concat_ws(
                chr(31),
                coalesce(called_at::VARCHAR, ''),
                coalesce(requested_model, ''),
                coalesce(served_model, ''),
                endpoint,
                tier,
                failed::VARCHAR,
                CASE WHEN counted_by = 'provider' THEN concat_ws(
                    ' ',
                    input_tokens, cache_read_tokens, cache_write_tokens,
                    output_tokens, reasoning_tokens, audio_tokens
                ) ELSE '' END,
                coalesce(max_tokens::VARCHAR, ''),
                coalesce(recorded_usd::VARCHAR, ''),
                coalesce(tags::VARCHAR, ''),
                fingerprint
            )) AS row_hash
        FROM staged
    ),
    named AS (
        SELECT
            coalesce(
                id,
                concat(
                    'row-', row_hash, '-',
                    row_number() OVER (PARTITION BY id IS NULL, row_hash ORDER BY line)
                )
            ) AS call_id,
            *
        FROM hashed
    ),
    ranked AS (
        SELECT *, quality(
            counted_by, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens,
            reasoning_tokens, audio_tokens, failed, called_at, served_model, requested_model,
            endpoint, tier, max_tokens, recorded_usd, tags, problem
        ) AS quality
        FROM named
    )
SELECT
    * EXCLUDE (id, fingerprint, row_hash),
    -- how many further readings of this call have other token counts
    count(*) OVER (PARTITION BY call_id)
        - count(*) OVER (
            PARTITION BY call_id, input_tokens, cache_read_tokens, cache_write_tokens,
                output_tokens, reasoning_tokens
        ) AS conflicts
FROM ranked
QUALIFY row_number() OVER (PARTITION BY call_id ORDER BY quality DESC, line) = 1;
