-- Purpose: what tables the file holds.
-- Grain:   one row a table
-- Reads:   the catalogue
SELECT table_name AS name
FROM duckdb_tables()
WHERE NOT temporary
ORDER BY name;
