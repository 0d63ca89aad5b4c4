-- Purpose: the objects of object storage of which every source is in.
-- Grain:   one row an object
-- Reads:   fetched
SELECT url, etag, size, sources
FROM fetched
ORDER BY url, etag, size;
