-- Purpose: make room for what is known of objects in object storage, in any store that reads some.
-- Grain:   one row an object
-- Writes:  fetched
CREATE TABLE IF NOT EXISTS fetched (
    url VARCHAR NOT NULL,
    etag VARCHAR NOT NULL,              -- what its store calls this very content
    size BIGINT NOT NULL,
    sources INTEGER NOT NULL            -- how many sources are in it, all of them read
);
