-- Purpose: a store of an older version that is only read: its calls are in it.
-- Grain:   as the tables of schema/spread
-- Writes:  spread, spread_files (temporary views)
CREATE OR REPLACE TEMP VIEW spread AS
SELECT NULL::INTEGER AS buckets, NULL::VARCHAR AS folder, NULL::VARCHAR AS mark
WHERE false;

CREATE OR REPLACE TEMP VIEW spread_files AS
SELECT
    NULL::VARCHAR AS kind, NULL::INTEGER AS bucket, NULL::VARCHAR AS file, NULL::BIGINT AS rows
WHERE false;
