-- Purpose: no call has less than no tokens.
-- Grain:   one row a call and meter that breaks this
-- Reads:   calls, sources
--
-- A column at a time: the store knows the least value of each block of a column, and does not look into
-- the blocks that are in order.
WITH negative AS (
    SELECT source_id, line, call_id, 'input_tokens' AS meter, input_tokens AS tokens
    FROM calls
    WHERE input_tokens < 0
    UNION ALL
    SELECT source_id, line, call_id, 'cache_read_tokens', cache_read_tokens
    FROM calls
    WHERE cache_read_tokens < 0
    UNION ALL
    SELECT source_id, line, call_id, 'cache_write_tokens', cache_write_tokens
    FROM calls
    WHERE cache_write_tokens < 0
    UNION ALL
    SELECT source_id, line, call_id, 'output_tokens', output_tokens
    FROM calls
    WHERE output_tokens < 0
    UNION ALL
    SELECT source_id, line, call_id, 'reasoning_tokens', reasoning_tokens
    FROM calls
    WHERE reasoning_tokens < 0
    UNION ALL
    SELECT source_id, line, call_id, 'audio_tokens', audio_tokens
    FROM calls
    WHERE audio_tokens < 0
    UNION ALL
    SELECT source_id, line, call_id, 'max_tokens', max_tokens
    FROM calls
    WHERE max_tokens < 0
)
SELECT concat(sources.name, ':', line) AS what, call_id, meter, tokens
FROM negative
LEFT JOIN sources USING (source_id)
ORDER BY what, call_id, meter;
