-- Purpose: book the sources that were read elsewhere, and the files that their calls went into.
-- Grain:   one row a source, a file, a sum, a reading of a closed month that gave way
-- Reads:   new_sources, new_files, gone_buckets, new_sums, new_replaced, gave_way (frames in memory)
-- Writes:  sources, spread_files, buckets, replaced, summed
-- Params:  $buckets (how many there are)

INSERT INTO sources BY NAME
SELECT * FROM new_sources;

-- A file that holds all of its bucket stands for those before it.
DELETE FROM spread_files
WHERE kind = 'calls' AND bucket IN (SELECT bucket FROM new_files WHERE is_whole);

INSERT INTO spread_files BY NAME
SELECT * EXCLUDE (is_whole)
FROM new_files;

DELETE FROM buckets
WHERE (md5_number_lower(id_stem(call_id)) % $buckets)::INTEGER IN (SELECT bucket FROM gone_buckets);

INSERT INTO buckets BY NAME
SELECT * FROM new_sums;

INSERT INTO replaced BY NAME
SELECT * EXCLUDE (tag_names, tag_values), map(tag_names, tag_values) AS tags
FROM new_replaced;

DELETE FROM summed
WHERE source_id IN (SELECT source_id FROM gave_way);
