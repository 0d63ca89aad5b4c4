-- Purpose: the calls as they are booked, and those that a closed month had and the store no more has.
-- Grain:   call × booking
-- Reads:   booked_now, replaced, closings
-- Writes:  booked (a temporary view)
--
-- A reading that gave way to a better one stays in its closed month, and a correction takes it out
-- again (sign -1), both at the prices that the month was closed with. The better reading is booked
-- as what came later: all together is what the store has now.
CREATE OR REPLACE TEMP VIEW booked AS
SELECT *
FROM booked_now
UNION ALL BY NAME
SELECT
    replaced.* EXCLUDE (replaced_by),
    1::TINYINT AS requests,
    false AS is_day,
    booking,
    month AS closing,
    assume_model AS closed_model,
    sign::TINYINT AS sign
FROM replaced
JOIN closings ON called_at >= begins_at AND called_at < ends_at
CROSS JOIN (VALUES ('closed', 1), ('correction', -1)) AS entries(booking, sign);
