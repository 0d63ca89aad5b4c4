-- Purpose: readings of closed months that gave way in this bucket.
-- Grain:   as replaced
-- Reads:   replaced
SELECT * EXCLUDE (tags), map_keys(tags) AS tag_names, map_values(tags) AS tag_values
FROM replaced;
