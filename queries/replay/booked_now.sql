-- Purpose: the calls as they are booked: what came into a closed month later is a correction.
-- Grain:   call
-- Reads:   logged, closings
-- Writes:  booked_now, booked (temporary views)
CREATE OR REPLACE TEMP VIEW booked_now AS
SELECT
    logged.*,
    CASE
        WHEN month IS NULL THEN 'open'
        WHEN source_id <= last_source THEN 'closed'
        ELSE 'correction'
    END AS booking,
    CASE WHEN source_id <= last_source THEN month ELSE DATE '0001-01-01' END AS closing,
    CASE WHEN source_id <= last_source THEN assume_model END AS closed_model,
    1::TINYINT AS sign
FROM logged
LEFT JOIN closings ON called_at >= begins_at AND called_at < ends_at;

CREATE OR REPLACE TEMP VIEW booked AS
SELECT *
FROM booked_now;
