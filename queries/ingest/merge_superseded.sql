-- Purpose: let the stored readings of calls give way to better ones that arrive.
-- Grain:   one row a call
-- Reads:   superseded, arriving
-- Writes:  texts, calls, replaced
-- Params:  $source_id
--
-- What a call belongs to is told by the better reading, unless only the other one knows. What a
-- closed month holds is kept beside (replaced) before it gives way.

-- Text that was kept stays until a better reading brings its own.
DELETE FROM texts
WHERE call_id IN (
    SELECT call_id
    FROM superseded
    JOIN arriving USING (call_id)
    WHERE arriving_is_better AND request_json IS NOT NULL
);

UPDATE calls
SET workload = coalesce(workload, arriving_workload), prompt = coalesce(calls.prompt, arriving_prompt)
FROM superseded
WHERE calls.call_id = superseded.call_id
  AND NOT arriving_is_better AND NOT is_closed
  AND ((workload IS NULL AND arriving_workload IS NOT NULL)
    OR (calls.prompt IS NULL AND arriving_prompt IS NOT NULL));

-- What a closed month had stays booked there.
INSERT INTO replaced BY NAME
SELECT calls.*, $source_id::INTEGER AS replaced_by
FROM calls
JOIN superseded USING (call_id)
WHERE arriving_is_better AND is_closed;

DELETE FROM calls
WHERE call_id IN (SELECT call_id FROM superseded WHERE arriving_is_better);
