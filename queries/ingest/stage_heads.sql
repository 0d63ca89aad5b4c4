-- Purpose: take workloads and sampled calls of the sources being read in.
-- Grain:   one row a workload, a sampled call, a message of one
-- Reads:   batch_workloads, batch_heads, batch_parts (frames in memory)
-- Writes:  staged_workloads, staged_heads, staged_parts

INSERT INTO staged_workloads BY NAME
SELECT * FROM batch_workloads;

INSERT INTO staged_heads BY NAME
SELECT * FROM batch_heads;

INSERT INTO staged_parts BY NAME
SELECT * FROM batch_parts;
