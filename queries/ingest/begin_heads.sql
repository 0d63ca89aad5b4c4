-- Purpose: an empty place for what is sampled of the prompts of some sources.
-- Grain:   one row a workload, a sampled call, a message of one, as read
-- Writes:  staged_workloads, staged_heads, staged_parts

CREATE OR REPLACE TEMP TABLE staged_workloads (
    workload VARCHAR,
    found_by VARCHAR,
    label VARCHAR
);

CREATE OR REPLACE TEMP TABLE staged_heads (
    workload VARCHAR,
    month DATE,
    encoding VARCHAR,
    rank BIGINT,
    prompt UBIGINT,
    called_at TIMESTAMP,
    messages INTEGER,
    tokens BIGINT,
    parts UBIGINT[]
);

CREATE OR REPLACE TEMP TABLE staged_parts (
    part UBIGINT,
    encoding VARCHAR,
    tokens INTEGER,
    links BLOB
);
