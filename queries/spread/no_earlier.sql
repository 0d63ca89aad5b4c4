-- Purpose: a bucket that holds nothing yet.
-- Grain:   call
-- Reads:   calls
-- Writes:  earlier (a temporary view)
CREATE OR REPLACE TEMP VIEW earlier AS
SELECT *
FROM calls
WHERE false;
