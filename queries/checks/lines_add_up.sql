-- Purpose: every line of a source is a record, a reject or context; no call is there twice.
-- Grain:   one row a source or call that breaks this
-- Reads:   sources, calls
SELECT 'source ' || name AS what, lines, records, rejects, context
FROM sources
WHERE lines <> records + rejects + context
UNION ALL
SELECT 'more calls than records' AS what, count(*), any_value(read.records), NULL, NULL
FROM calls, (SELECT coalesce(sum(records), 0) AS records FROM sources) AS read
HAVING count(*) > any_value(read.records);
