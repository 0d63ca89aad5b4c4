-- Purpose: stage the calls of a large source that went into the store and share their id.
-- Grain:   one row a call
-- Reads:   calls (those of the source, and what the store had), staged
-- Writes:  shared, calls, staged
-- Params:  $source_id
--
-- Ids are compared by their hashes: two of one hash are looked at more closely, and found to be two.

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
