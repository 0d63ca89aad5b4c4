-- Purpose: the calls of a store whose calls lie in files.
-- Grain:   call
-- Reads:   the files
-- Writes:  calls (a temporary view)
-- Params:  $files
--
-- What the files say of themselves is read once: how many rows there are, and the least and the greatest.
SET parquet_metadata_cache = true;

SET VARIABLE call_files = $files;

CREATE OR REPLACE TEMP VIEW calls AS
SELECT *
FROM read_parquet(getvariable('call_files'));
