-- Purpose: what a bucket holds already.
-- Grain:   call
-- Reads:   the files of the bucket
-- Writes:  earlier (a temporary view)
-- Params:  $files
SET VARIABLE earlier_files = $files;

CREATE OR REPLACE TEMP VIEW earlier AS
SELECT *
FROM read_parquet(getvariable('earlier_files'));
