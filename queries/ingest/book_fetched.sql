-- Purpose: book an object whose last source is in, in place of what it was before.
-- Grain:   one row an object
-- Writes:  fetched
-- Params:  $url, $etag, $size, $sources
DELETE FROM fetched
WHERE url = $url;

INSERT INTO fetched BY NAME
SELECT $url AS url, $etag AS etag, $size::BIGINT AS size, $sources::INTEGER AS sources;
