-- Purpose: the days for which prices are needed.
-- Grain:   one row a day (0001-01-01 stands for calls without a time)
-- Reads:   cells
SELECT DISTINCT price_date
FROM cells
ORDER BY price_date;
