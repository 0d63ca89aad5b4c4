-- Purpose: take one batch of readings in.
-- Grain:   one row a call, one row a reject
-- Reads:   batch_rows (of ingest/batch_rows), batch_rejects (a frame in memory)
-- Writes:  calls, staged, refused
-- Params:  $source_id, $are_many (whether the source is a large one)
--
-- Most calls are what they are, whatever else there is. Where there are many they go straight into
-- the store, and what turns out to share its id is taken back (take_back). Calls that come with text
-- are staged, as are those whose own id might be taken for one that we make.

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
