-- Purpose: the sources of the readings of one bucket, in the order in which they are merged.
-- Grain:   one row a source
-- Reads:   incoming, shared
SELECT
    source_id,
    count(*) FILTER (id_stem(call_id) IN (SELECT stem FROM shared)) > 0 AS shares,
    (count(*) FILTER (id_stem(call_id) NOT IN (SELECT stem FROM shared)))::BIGINT AS alone
FROM incoming
GROUP BY source_id
ORDER BY source_id;
