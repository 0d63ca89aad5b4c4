-- Purpose: the calls as they are booked where no month is closed: as they are stored.
-- Grain:   call
-- Reads:   logged
-- Writes:  booked (a temporary view)
CREATE OR REPLACE TEMP VIEW booked AS
SELECT
    *,
    'open' AS booking,
    DATE '0001-01-01' AS closing,       -- the month whose price book holds; 0001-01-01: today's
    NULL::VARCHAR AS closed_model,
    1::TINYINT AS sign
FROM logged;
