-- Purpose: keep what was read of files, in place of what they were before.
-- Grain:   one row a file, or a member of an archive
-- Reads:   batch_digests (a frame: file, mark, member, size, sha256)
-- Writes:  digests
DELETE FROM digests
WHERE file IN (SELECT file FROM batch_digests);

INSERT INTO digests BY NAME
SELECT file, mark, member, size, sha256
FROM batch_digests;
