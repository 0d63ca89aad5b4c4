-- Purpose: the calls as they were logged, for scenarios that move all of them alike.
-- Grain:   call
-- Reads:   booked
-- Writes:  considered (a temporary view)
CREATE OR REPLACE TEMP VIEW considered AS
SELECT
    *,
    input_tokens + cache_read_tokens + cache_write_tokens AS prompt_tokens,
    output_tokens + reasoning_tokens AS produced_tokens,
    '' AS workload_key,
    false AS is_planned,
    -1 AS move,
    0::BIGINT AS cut_input_tokens,
    0::BIGINT AS cut_cache_read_tokens,
    0::BIGINT AS cut_cache_write_tokens,
    0::BIGINT AS sent_tokens,
    0::BIGINT AS asked_tokens
FROM booked;
