-- Purpose: the lines that were refused.
-- Grain:   one row a refused record
-- Reads:   rejects, fingerprints, sources
-- Params:  $most (how many; NULL: all)
SELECT
    sources.name AS source_name, rejects.line, rejects.lines, rejects.reason, rejects.head,
    fingerprint
FROM rejects
JOIN sources USING (source_id)
LEFT JOIN fingerprints
    ON fingerprints.source_id = rejects.source_id AND fingerprints.line = rejects.line
ORDER BY source_name, line, sources.sha256
LIMIT $most;
