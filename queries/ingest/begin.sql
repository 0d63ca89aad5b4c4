-- Purpose: an empty place for the calls and rejects of one source, of calls those that are not plain.
-- Grain:   one row a call, a refused record, as read
-- Writes:  staged, refused

CREATE OR REPLACE TEMP TABLE staged (
    call_id VARCHAR,
    unnamed BOOLEAN,
    line BIGINT,
    called_at TIMESTAMP,
    requested_model VARCHAR,
    served_model VARCHAR,
    endpoint VARCHAR,
    tier VARCHAR,
    counted_by VARCHAR,
    failed BOOLEAN,
    problem VARCHAR,
    input_tokens BIGINT,
    cache_read_tokens BIGINT,
    cache_write_tokens BIGINT,
    output_tokens BIGINT,
    reasoning_tokens BIGINT,
    audio_tokens BIGINT,
    max_tokens BIGINT,
    recorded_usd DECIMAL(38, 24),
    tags MAP(VARCHAR, VARCHAR),
    whole_answer BOOLEAN,
    uses_tools BOOLEAN,
    workload VARCHAR,
    prompt UBIGINT,
    request_json VARCHAR,
    answer_json VARCHAR
);

CREATE OR REPLACE TEMP TABLE refused (
    line BIGINT,
    lines BIGINT,
    reason VARCHAR,
    head VARCHAR,
    fingerprint VARCHAR
);
