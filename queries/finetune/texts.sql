-- Purpose: what was said in some calls, where the store keeps it.
-- Grain:   call
-- Reads:   texts, wanted (call_id)
SELECT call_id, request_json, answer_json
FROM texts
SEMI JOIN wanted USING (call_id)
ORDER BY call_id;
