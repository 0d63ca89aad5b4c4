-- Purpose: the calls that the figures are about, in a store without sums: all of them.
-- Grain:   call
-- Reads:   calls
-- Writes:  logged (a temporary view)
CREATE OR REPLACE TEMP VIEW logged AS
SELECT *, 1::BIGINT AS requests
FROM calls;
