-- Purpose: the kinds of calls that several machines found.
-- Grain:   as kinds (replay/kinds)
-- Reads:   partial (a frame in memory: rows of kinds)
-- Writes:  kinds
CREATE OR REPLACE TEMP TABLE kinds AS
SELECT DISTINCT workload, served
FROM partial;
