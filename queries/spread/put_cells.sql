-- Purpose: what was added up elsewhere, as replay/cells would have written it here.
-- Grain:   as cells
-- Reads:   gathered (a frame in memory)
-- Writes:  cells
CREATE OR REPLACE TEMP TABLE cells AS
SELECT
    * REPLACE (
        calls::HUGEINT AS calls,
        input_tokens::HUGEINT AS input_tokens,
        cache_read_tokens::HUGEINT AS cache_read_tokens,
        cache_write_tokens::HUGEINT AS cache_write_tokens,
        output_tokens::HUGEINT AS output_tokens,
        reasoning_tokens::HUGEINT AS reasoning_tokens,
        cut_input_tokens::HUGEINT AS cut_input_tokens,
        cut_cache_read_tokens::HUGEINT AS cut_cache_read_tokens,
        cut_cache_write_tokens::HUGEINT AS cut_cache_write_tokens
    )
FROM gathered;
