-- Purpose: the tables of what replays need of the calls of a day, added up as soon as they are read.
-- Grain:   day_cells: one row of calls of one source that replays do not tell apart;
--          summed: one row a source whose calls are in day_cells; day_edges: one row
-- Writes:  day_cells, summed, day_edges
--
-- Nothing here is new: it is what `GROUP BY` makes of the calls. A replay that can do with it does not
-- look at the calls (see replay/day_cells): its time grows with how many kinds of calls there are.
CREATE TABLE day_cells (
    source_id INTEGER NOT NULL,
    called_on DATE,                     -- of UTC; NULL: calls without a time
    requested_model VARCHAR,
    served_model VARCHAR,
    tier VARCHAR NOT NULL,
    endpoint VARCHAR NOT NULL,
    counted_by VARCHAR NOT NULL,
    failed BOOLEAN NOT NULL,
    has_audio BOOLEAN NOT NULL,
    problem VARCHAR,
    has_recorded BOOLEAN NOT NULL,
    window_step INTEGER NOT NULL,       -- among the edges in day_edges
    prompt_step INTEGER NOT NULL,
    calls BIGINT NOT NULL,
    input_tokens HUGEINT NOT NULL,
    cache_read_tokens HUGEINT NOT NULL,
    cache_write_tokens HUGEINT NOT NULL,
    output_tokens HUGEINT NOT NULL,
    reasoning_tokens HUGEINT NOT NULL,
    recorded_usd DECIMAL(38, 24),
    first_call_at TIMESTAMP,
    last_call_at TIMESTAMP
);
CREATE TABLE summed (
    source_id INTEGER NOT NULL
);
CREATE TABLE day_edges (
    windows BIGINT[] NOT NULL,          -- as macro step wants them
    thresholds BIGINT[] NOT NULL
);
