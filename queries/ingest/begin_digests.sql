-- Purpose: make room for what is known of files on disk, in any store that is filled from some.
-- Grain:   one row a file, or a member of an archive
-- Writes:  digests
--
-- Nothing here counts for a figure: it spares reading a file again to know that it is the same.
CREATE TABLE IF NOT EXISTS digests (
    file UBIGINT NOT NULL,              -- keyed hash of its path
    mark BLOB NOT NULL,                 -- keyed hash of its path and all that a change would change
    member VARCHAR,                     -- in an archive; NULL: the file itself
    size BIGINT NOT NULL,               -- bytes on disk, of a member in its archive
    sha256 VARCHAR                      -- of its bytes; NULL: a member that was left out
);
