-- Purpose: of the calls of one source that share an identity keep the best.
-- Grain:   one row a call of the source being read that is not in the store yet
-- Reads:   calls (those of the source, and what the store had), staged
-- Writes:  shared, calls, staged, arriving
-- Params:  $source_id
--
-- A provider's id is the identity. Where the log has none it is that of macro row_id: two equal rows
-- of one file are two calls, the same rows in an overlapping export are not.
--
-- Of several readings of one call the best stays: counted by the provider before counted by us,
-- then the one with more tokens, then the greater in a total order of the remaining fields. The
-- choice is a maximum, so it does not depend on the order in which files arrive.
--
-- Only what shares its id needs any of this. Ids are compared by their hashes: two of one hash are
-- looked at more closely, and found to be two.

CREATE OR REPLACE TEMP TABLE shared AS
WITH
    here AS (
        SELECT hash(call_id) AS id_hash
        FROM calls
        WHERE source_id = $source_id
        UNION ALL
        SELECT hash(call_id) AS id_hash
        FROM staged
    ),
    elsewhere AS (
        SELECT hash(call_id) AS id_hash
        FROM calls
        WHERE source_id <> $source_id
    )
SELECT id_hash
FROM here
GROUP BY id_hash
HAVING count(*) > 1
UNION
SELECT id_hash
FROM here
SEMI JOIN elsewhere USING (id_hash);

INSERT INTO staged BY NAME
SELECT * EXCLUDE (source_id), starts_with(call_id, 'row-') AS unnamed
FROM calls
WHERE source_id = $source_id AND hash(call_id) IN (SELECT id_hash FROM shared);

DELETE FROM calls
WHERE source_id = $source_id AND hash(call_id) IN (SELECT id_hash FROM shared);

CREATE OR REPLACE TEMP TABLE arriving AS
WITH
    named AS (
        SELECT
            CASE
                WHEN unnamed THEN concat(
                    left(call_id, length(call_id) - 1),
                    row_number() OVER (PARTITION BY unnamed, call_id ORDER BY line)
                )
                ELSE call_id
            END AS call_id,
            * EXCLUDE (call_id, unnamed)
        FROM staged
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
    *,
    -- how many further readings of this call have other token counts
    count(*) OVER (PARTITION BY call_id)
        - count(*) OVER (
            PARTITION BY call_id, input_tokens, cache_read_tokens, cache_write_tokens,
                output_tokens, reasoning_tokens
        ) AS conflicts
FROM ranked
QUALIFY row_number() OVER (PARTITION BY call_id ORDER BY quality DESC, line) = 1;
