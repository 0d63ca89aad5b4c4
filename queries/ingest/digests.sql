-- Purpose: the digests of files as they were when they were read.
-- Grain:   one row a file, or a member of an archive
-- Reads:   digests
SELECT mark, member, size, sha256
FROM digests
ORDER BY mark, member;
