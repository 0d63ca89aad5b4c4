-- Purpose: the refused lines of some sources, to be written as a file.
-- Grain:   one row a refused record
-- Reads:   batch_rejects (a frame in memory)
-- Writes:  outgoing
CREATE OR REPLACE TEMP TABLE outgoing AS
SELECT source_id, line, lines, reason, head, fingerprint
FROM batch_rejects
ORDER BY source_id, line;
