-- Purpose: the lines that were refused.
-- Grain:   one row a refused record
-- Reads:   rejects, sources
-- Params:  $most (how many; NULL: all)
SELECT sources.name AS source_name, rejects.line, rejects.lines, rejects.reason, rejects.head
FROM rejects
JOIN sources USING (source_id)
ORDER BY source_name, line, sources.sha256
LIMIT $most;
