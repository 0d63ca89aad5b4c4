-- Purpose: begin a store whose calls lie in files.
-- Grain:   one row
-- Writes:  spread
-- Params:  $buckets, $folder, $mark
INSERT INTO spread BY NAME
SELECT $buckets::INTEGER AS buckets, $folder AS folder, $mark AS mark;
