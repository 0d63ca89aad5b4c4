-- Purpose: take in the readings that share their ids with no others: they are what they are.
-- Grain:   one row a call
-- Reads:   incoming, shared
-- Writes:  calls
-- Params:  $summing (the sources that have sums, of which they are there)
--
-- They come last: what is merged source by source looks at the calls each time, and these are most.
INSERT INTO calls BY NAME
SELECT * EXCLUDE (unnamed, request_json, answer_json)
FROM incoming
WHERE source_id NOT IN (SELECT unnest($summing::INTEGER[]))
  AND id_stem(call_id) NOT IN (SELECT stem FROM shared);
