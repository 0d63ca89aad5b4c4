-- Purpose: what one source brought.
-- Grain:   one row
-- Reads:   calls, superseded, arriving
-- Params:  $source_id
SELECT
    (SELECT count(*) FROM calls WHERE source_id = $source_id)::BIGINT AS calls,
    (SELECT count(*) FROM superseded WHERE arriving_is_better)::BIGINT AS improved,
    (
        (SELECT coalesce(sum(conflicts), 0) FROM arriving)
        + (SELECT count(*) FROM superseded WHERE differs)
    )::BIGINT AS conflicts;
