-- Purpose: the first answers among those that several machines found.
-- Grain:   as answered (finetune/answered)
-- Reads:   partial (a frame in memory: rows of spread/sent_answered)
-- Writes:  answered
CREATE OR REPLACE TEMP TABLE answered AS
SELECT prompt, model, min((called_at, call_id, workload, output_tokens)) AS first
FROM partial
GROUP BY prompt, model;
