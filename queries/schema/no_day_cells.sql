-- Purpose: a store that is only read, of an audit that added nothing up.
-- Grain:   as the tables of schema/day_cells
-- Reads:   nothing
-- Writes:  day_cells, summed, day_edges (temporary views)
CREATE OR REPLACE TEMP VIEW day_cells AS
SELECT
    NULL::INTEGER AS source_id, 0::BIGINT AS calls, 0::HUGEINT AS input_tokens,
    0::HUGEINT AS cache_read_tokens, 0::HUGEINT AS cache_write_tokens,
    0::HUGEINT AS output_tokens, 0::HUGEINT AS reasoning_tokens,
    NULL::DECIMAL(38, 24) AS recorded_usd
WHERE false;

CREATE OR REPLACE TEMP VIEW summed AS
SELECT NULL::INTEGER AS source_id
WHERE false;

CREATE OR REPLACE TEMP VIEW day_edges AS
SELECT []::BIGINT[] AS windows, []::BIGINT[] AS thresholds
WHERE false;
