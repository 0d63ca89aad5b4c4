-- Purpose: recall the calls that the bucket holds already and that arrive again.
-- Grain:   recalled: one row a call; shared: one row a stem of ids that several readings have
-- Reads:   earlier, incoming
-- Writes:  recalled, calls, shared

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

-- Most calls are what they are, whatever else there is.
INSERT INTO calls BY NAME
SELECT * EXCLUDE (unnamed, request_json, answer_json)
FROM incoming
WHERE id_stem(call_id) NOT IN (SELECT stem FROM shared);
