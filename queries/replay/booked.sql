-- Purpose: the calls as they are booked: an open month's as they are stored.
-- Grain:   call
-- Reads:   calls
-- Writes:  booked (a temporary view)
CREATE OR REPLACE TEMP VIEW booked AS
SELECT *, 'open' AS booking
FROM calls;
