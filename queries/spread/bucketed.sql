-- Purpose: one batch of readings with the bucket that the id of each says.
-- Grain:   one row a call
-- Reads:   batch_rows (of ingest/batch_rows)
-- Params:  $source_id, $buckets (how many there are)
--
-- All readings that may be of one call are of one bucket: equal rows without an id, too. The bucket
-- must be the same in every release, so it is MD5 and not the hash of DuckDB.
SELECT
    (md5_number_lower(id_stem(call_id)) % $buckets)::INTEGER AS bucket,
    $source_id::INTEGER AS source_id,
    * EXCLUDE (tags, is_plain, request_json, answer_json),
    map_keys(tags) AS tag_names,
    map_values(tags) AS tag_values
FROM batch_rows
ORDER BY bucket, line;
