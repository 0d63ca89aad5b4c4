-- Purpose: a store of an older version that is only read: it holds no sums.
-- Grain:   as the table of schema/buckets
-- Writes:  buckets (a temporary view)
CREATE OR REPLACE TEMP VIEW buckets AS
SELECT
    NULL::VARCHAR AS call_id, NULL::BIGINT AS requests, NULL::TIMESTAMP AS ends_at,
    NULL::VARCHAR AS kind, NULL::VARCHAR AS grouped_by
WHERE false;
