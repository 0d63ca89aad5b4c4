-- Purpose: how the calls of a store are spread over files.
-- Grain:   one row; none where they are in the store
-- Reads:   spread
SELECT buckets, folder, mark
FROM spread;
