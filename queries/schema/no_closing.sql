-- Purpose: a store of version 2 that is only read: no month is closed in it.
-- Grain:   as the tables of schema/closing
-- Reads:   calls
-- Writes:  closings, closed_books, replaced (temporary views)
CREATE OR REPLACE TEMP VIEW closings AS
SELECT
    NULL::DATE AS month, NULL::VARCHAR AS zone, NULL::TIMESTAMP AS begins_at,
    NULL::TIMESTAMP AS ends_at, NULL::INTEGER AS last_source, NULL::DATE AS closed_on,
    NULL::VARCHAR AS tool, NULL::VARCHAR AS models, NULL::VARCHAR AS assume_model,
    NULL::BIGINT AS calls, NULL::BIGINT AS unpriced, NULL::BIGINT AS input_tokens,
    NULL::BIGINT AS output_tokens, NULL::DECIMAL(38, 18) AS actual_usd
WHERE false;

CREATE OR REPLACE TEMP VIEW closed_books AS
SELECT
    NULL::DATE AS month, NULL::INTEGER AS place, NULL::VARCHAR AS name, NULL::VARCHAR AS sha256,
    NULL::BLOB AS content
WHERE false;

CREATE OR REPLACE TEMP VIEW replaced AS
SELECT *, NULL::INTEGER AS replaced_by
FROM calls
WHERE false;
