-- Purpose: recall the calls that the bucket holds already and that arrive again.
-- Grain:   recalled: one row a call; shared: one row a stem of ids that several readings have;
--          sharing: those readings
-- Reads:   earlier, incoming
-- Writes:  recalled, calls, shared, sharing
-- Params:  $summing (the sources that have sums)

CREATE OR REPLACE TEMP TABLE recalled AS
SELECT *
FROM earlier
WHERE id_stem(call_id) IN (SELECT id_stem(call_id) FROM incoming);

INSERT INTO calls BY NAME
SELECT * FROM recalled;

CREATE OR REPLACE TEMP TABLE shared AS
SELECT stem
FROM (
    SELECT id_stem(call_id) AS stem FROM incoming
    UNION ALL
    SELECT id_stem(call_id) AS stem FROM recalled
)
GROUP BY stem
HAVING count(*) > 1;

CREATE OR REPLACE TEMP TABLE sharing AS
SELECT *
FROM incoming
WHERE id_stem(call_id) IN (SELECT stem FROM shared);

-- Of sources that have sums all calls must be there when these are said to be some.
INSERT INTO calls BY NAME
SELECT * EXCLUDE (unnamed, request_json, answer_json)
FROM incoming
WHERE source_id IN (SELECT unnest($summing::INTEGER[]))
  AND id_stem(call_id) NOT IN (SELECT stem FROM shared);
