-- Purpose: columns of money are DECIMAL from end to end.
-- Grain:   one row a column that is not
-- Reads:   the catalogue
SELECT table_name || '.' || column_name AS what, data_type
FROM duckdb_columns()
WHERE column_name LIKE '%\_usd' ESCAPE '\' AND data_type NOT LIKE 'DECIMAL%';
