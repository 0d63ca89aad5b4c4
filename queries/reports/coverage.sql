-- Purpose: where every line of every file went, whatever its date
-- Grain:   source
-- Reads:   covered
-- By:      booking
-- Once:    replay/covered
-- Columns:
--     source               the file
--     format               what it was read as
--     sha256               of its bytes
--     bytes                its size, compressed if it was
--     lines                physical lines: calls + buckets + duplicates + rejects + context
--     calls                calls that were kept of it
--     buckets              sums of many requests that were kept of it (usage exports)
--     duplicates           lines that are a call which another line or file has, too
--     rejects              lines that were refused
--     context              lines that are rightly no call
SELECT source, format, sha256, bytes, lines, calls, buckets, duplicates, rejects, context
FROM covered
ORDER BY source, sha256;
