-- Purpose: leave the prompts that only one model answered.
-- Grain:   as answered
-- Reads:   answered
-- Writes:  answered
DELETE FROM answered
WHERE prompt NOT IN (SELECT prompt FROM answered GROUP BY prompt HAVING count(*) > 1);
