-- Purpose: take one batch of readings in.
-- Grain:   one row a call, one row a reject
-- Reads:   batch_calls, batch_rejects (frames in memory)
-- Writes:  staged, refused

INSERT INTO staged BY NAME
SELECT
    * EXCLUDE (recorded, tag_names, tag_values),
    recorded::DECIMAL(38, 24) AS recorded_usd,
    coalesce(map(tag_names, tag_values), map()) AS tags
FROM batch_calls;

INSERT INTO refused BY NAME
SELECT * FROM batch_rejects;
