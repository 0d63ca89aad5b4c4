-- Purpose: the tables of closed months, new in version 3 of the store.
-- Grain:   closings: one closed month; closed_books: one file of the price book it was closed with;
--          replaced: one reading of a call of a closed month that gave way to a better one since
-- Writes:  closings, closed_books, replaced

CREATE TABLE closings (
    month DATE NOT NULL,                -- its first day, in days of zone
    zone VARCHAR NOT NULL,
    begins_at TIMESTAMP NOT NULL,       -- the month in moments of UTC, half-open
    ends_at TIMESTAMP NOT NULL,
    last_source INTEGER NOT NULL,       -- what came in a later source is a correction
    closed_on DATE NOT NULL,
    tool VARCHAR NOT NULL,
    models VARCHAR NOT NULL,            -- JSON: names in the log, names in the book
    assume_model VARCHAR,
    calls BIGINT NOT NULL,              -- what the month had when it was closed
    unpriced BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    actual_usd DECIMAL(38, 18) NOT NULL
);

CREATE TABLE closed_books (
    month DATE NOT NULL,
    place INTEGER NOT NULL,             -- the later file has the last word
    name VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    content BLOB NOT NULL
);

CREATE TABLE replaced (
    call_id VARCHAR NOT NULL,
    source_id INTEGER NOT NULL,
    line BIGINT NOT NULL,
    called_at TIMESTAMP,
    requested_model VARCHAR,
    served_model VARCHAR,
    endpoint VARCHAR NOT NULL,
    tier VARCHAR NOT NULL,
    counted_by VARCHAR NOT NULL,
    failed BOOLEAN NOT NULL,
    problem VARCHAR,
    input_tokens BIGINT NOT NULL,
    cache_read_tokens BIGINT NOT NULL,
    cache_write_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    reasoning_tokens BIGINT NOT NULL,
    audio_tokens BIGINT NOT NULL,
    max_tokens BIGINT,
    recorded_usd DECIMAL(38, 24),
    tags MAP(VARCHAR, VARCHAR),
    whole_answer BOOLEAN NOT NULL,
    uses_tools BOOLEAN NOT NULL,
    workload VARCHAR,
    prompt UBIGINT,
    replaced_by INTEGER NOT NULL        -- the source of the better reading
);
