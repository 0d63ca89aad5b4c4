-- Purpose: the objects of object storage of which every source is in.
-- Grain:   one row an object
-- Reads:   fetched, sources
--
-- An object may tell of its neighbours if it holds lines that are no calls of its own, as the input
-- of a Batch does.
SELECT
    url,
    etag,
    size,
    fetched.sources,
    coalesce(bool_or(format = 'batch' AND context > 0), FALSE) AS tells
FROM fetched
LEFT JOIN sources ON sources.name = url
GROUP BY ALL
ORDER BY url, etag, size;
