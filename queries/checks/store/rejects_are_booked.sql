-- Purpose: the refused records of a source cover the lines that it counts as refused.
-- Grain:   one row a source that breaks this
-- Reads:   sources, rejects
SELECT
    'source ' || name AS what,
    any_value(sources.rejects) AS rejects,
    coalesce(sum(rejects.lines), 0)::BIGINT AS lines_of_rejects
FROM sources
LEFT JOIN rejects USING (source_id)
GROUP BY source_id, name
HAVING any_value(sources.rejects) <> coalesce(sum(rejects.lines), 0)
ORDER BY what;
