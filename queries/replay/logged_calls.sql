-- Purpose: the calls that the figures are about, in a store without sums: all of them.
-- Grain:   call
-- Reads:   calls
-- Writes:  logged (a temporary view)
--
-- is_day says of a sum that it is that of a day of UTC (see replay/cells).
CREATE OR REPLACE TEMP VIEW logged AS
SELECT *, 1::TINYINT AS requests, false AS is_day
FROM calls;
