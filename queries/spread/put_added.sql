-- Purpose: what was added up elsewhere, as replay/added_calls would have written it here.
-- Grain:   as added
-- Reads:   gathered (a frame in memory)
-- Writes:  added
CREATE OR REPLACE TEMP TABLE added AS
SELECT
    * REPLACE (
        input_tokens::HUGEINT AS input_tokens,
        cache_read_tokens::HUGEINT AS cache_read_tokens,
        cache_write_tokens::HUGEINT AS cache_write_tokens,
        output_tokens::HUGEINT AS output_tokens,
        reasoning_tokens::HUGEINT AS reasoning_tokens
    )
FROM gathered;
