-- Purpose: the files that hold the calls and the rejects of the store.
-- Grain:   one row a file
-- Reads:   spread_files
SELECT kind, bucket, file, rows
FROM spread_files
ORDER BY kind, bucket, file;
