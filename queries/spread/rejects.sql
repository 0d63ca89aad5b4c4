-- Purpose: the rejects of a store whose calls lie in files.
-- Grain:   as rejects, fingerprints
-- Reads:   the files
-- Writes:  rejects, fingerprints (temporary views)
-- Params:  $files
SET VARIABLE reject_files = $files;

CREATE OR REPLACE TEMP VIEW rejects AS
SELECT source_id, line, lines, reason, head
FROM read_parquet(getvariable('reject_files'));

CREATE OR REPLACE TEMP VIEW fingerprints AS
SELECT source_id, line, fingerprint
FROM read_parquet(getvariable('reject_files'));
