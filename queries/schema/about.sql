-- Purpose: whose file this is, and of which version.
-- Grain:   one row
-- Reads:   about
SELECT application, schema_version, key_check
FROM about;
