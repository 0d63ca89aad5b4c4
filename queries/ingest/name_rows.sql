-- Purpose: give every staged call its identity, and keep the best of those that share one.
-- Grain:   one row a call of the source being read that is not in the store yet
-- Reads:   staged
-- Writes:  repeated, arriving
--
-- A provider's id is the identity. Where the log has none it is that of macro row_id: two equal rows
-- of one file are two calls, the same rows in an overlapping export are not.
--
-- Of several readings of one call the best stays: counted by the provider before counted by us,
-- then the one with more tokens, then the greater in a total order of the remaining fields. The
-- choice is a maximum, so it does not depend on the order in which files arrive.

-- Ids that occur more than once, those that we make without their ordinal. Only these cost more.
CREATE OR REPLACE TEMP TABLE repeated AS
SELECT id_stem(call_id) AS stem
FROM staged
GROUP BY stem
HAVING count(*) > 1;

CREATE OR REPLACE TEMP TABLE arriving AS
WITH
    named AS (
        SELECT
            CASE
                WHEN unnamed THEN concat(
                    id_stem(call_id), '-',
                    row_number() OVER (PARTITION BY unnamed, call_id ORDER BY line)
                )
                ELSE call_id
            END AS call_id,
            * EXCLUDE (call_id, unnamed)
        FROM staged
        WHERE id_stem(call_id) IN (SELECT stem FROM repeated)
    ),
    ranked AS (
        SELECT *, quality(
            counted_by, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens,
            reasoning_tokens, audio_tokens, failed, called_at, served_model, requested_model,
            endpoint, tier, max_tokens, recorded_usd, tags, problem
        ) AS quality
        FROM named
    ),
    best AS (
        SELECT
            * EXCLUDE (quality),
            -- how many further readings of this call have other token counts
            count(*) OVER (PARTITION BY call_id)
                - count(*) OVER (
                    PARTITION BY call_id, input_tokens, cache_read_tokens, cache_write_tokens,
                        output_tokens, reasoning_tokens
                ) AS conflicts
        FROM ranked
        QUALIFY row_number() OVER (PARTITION BY call_id ORDER BY quality DESC, line) = 1
    )
SELECT * FROM best
UNION ALL BY NAME
SELECT * EXCLUDE (unnamed), 0 AS conflicts
FROM staged
WHERE id_stem(call_id) NOT IN (SELECT stem FROM repeated);
