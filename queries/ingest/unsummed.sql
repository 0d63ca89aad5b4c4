-- Purpose: the sources that are not added up, or no longer, as after an older audit wrote to the store.
-- Grain:   one row a source
-- Reads:   sources, summed, calls, day_cells
WITH
    stored AS (
        SELECT source_id, count(*) AS calls
        FROM calls
        GROUP BY source_id
    ),
    added AS (
        SELECT source_id, sum(calls) AS calls
        FROM day_cells
        GROUP BY source_id
    )
SELECT sources.source_id
FROM sources
LEFT JOIN stored USING (source_id)
LEFT JOIN added USING (source_id)
WHERE coalesce(stored.calls, 0) <> coalesce(added.calls, 0)
   OR sources.source_id NOT IN (SELECT source_id FROM summed)
ORDER BY sources.source_id;
