-- Purpose: the tables of a store, version 6 (with those of schema/closing, buckets, day_cells,
--          keeping and spread).
-- Grain:   sources: one exported file; calls: one API request and its answer; rejects: one refused
--          record; texts: one call whose text was kept (--keep-text); workloads: one workload;
--          heads: one sampled call; parts: one message of such a call (see auditor.workload.heads).
-- Reads:   nothing
-- Writes:  about, sources, calls, rejects, texts, workloads, heads, parts
-- Params:  $key_check (what tells the hash key of the store from another)

CREATE TABLE about (
    application VARCHAR NOT NULL,
    schema_version INTEGER NOT NULL,
    key_check VARCHAR NOT NULL
);
INSERT INTO about VALUES ('audit', 6, $key_check);

CREATE TABLE sources (
    source_id INTEGER NOT NULL,
    sha256 VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    format VARCHAR NOT NULL,
    bytes BIGINT NOT NULL,
    lines BIGINT NOT NULL,      -- physical lines
    records BIGINT NOT NULL,    -- lines that are a call, kept or seen before
    rejects BIGINT NOT NULL,    -- lines refused
    context BIGINT NOT NULL     -- lines that are rightly no call
);

-- Meters are disjoint: a token is on exactly one of them.
CREATE TABLE calls (
    call_id VARCHAR NOT NULL,           -- the provider's, or row-<hash>-<ordinal>
    source_id INTEGER NOT NULL,
    line BIGINT NOT NULL,
    called_at TIMESTAMP,                -- UTC
    requested_model VARCHAR,
    served_model VARCHAR,
    endpoint VARCHAR NOT NULL,          -- chat, completion, response, embedding, other
    tier VARCHAR NOT NULL,              -- standard, batch, or the provider's word
    counted_by VARCHAR NOT NULL,        -- provider, tokenizer, estimate, nobody
    failed BOOLEAN NOT NULL,
    problem VARCHAR,                    -- why it failed, or why nobody could count it
    input_tokens BIGINT NOT NULL,       -- sent, neither read from nor written to a cache
    cache_read_tokens BIGINT NOT NULL,
    cache_write_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,      -- answered, without hidden reasoning
    reasoning_tokens BIGINT NOT NULL,
    audio_tokens BIGINT NOT NULL,       -- spoken tokens of either direction: never rated
    max_tokens BIGINT,                  -- answer tokens asked for
    recorded_usd DECIMAL(38, 24),       -- what the log itself says the call cost
    tags MAP(VARCHAR, VARCHAR),
    whole_answer BOOLEAN NOT NULL,      -- one answer, not cut off: may be learnt from
    uses_tools BOOLEAN NOT NULL,        -- functions or tools were declared, called, answered for
    workload VARCHAR,                   -- NULL: the log shows neither tag nor text
    prompt UBIGINT                      -- keyed hash of all that was sent; NULL without text
);

CREATE TABLE rejects (
    source_id INTEGER NOT NULL,
    line BIGINT NOT NULL,
    lines BIGINT NOT NULL,
    reason VARCHAR NOT NULL,
    head VARCHAR NOT NULL               -- the first bytes, if text is kept, else ''
);

CREATE TABLE texts (
    call_id VARCHAR NOT NULL,
    request_json VARCHAR NOT NULL,
    answer_json VARCHAR NOT NULL
);

CREATE TABLE workloads (
    workload VARCHAR NOT NULL,
    found_by VARCHAR NOT NULL,          -- tag NAME, system message, opening
    label VARCHAR NOT NULL              -- the value of that tag, else ''
);

-- The calls with the smallest ranks of each workload, month and encoding.
CREATE TABLE heads (
    workload VARCHAR NOT NULL,
    month DATE NOT NULL,                -- first day, UTC; 0001-01-01: undated
    encoding VARCHAR NOT NULL,
    rank BIGINT NOT NULL,
    prompt UBIGINT NOT NULL,
    called_at TIMESTAMP,
    messages INTEGER NOT NULL,          -- how many the call sent
    tokens BIGINT NOT NULL,             -- how many have links
    parts UBIGINT[] NOT NULL            -- its first messages
);

CREATE TABLE parts (
    part UBIGINT NOT NULL,              -- keyed hash of the message
    encoding VARCHAR NOT NULL,
    tokens INTEGER,                     -- with their frame; NULL: nobody can count them
    links BLOB NOT NULL                 -- four bytes a token: keyed hash of the content up to it
);
