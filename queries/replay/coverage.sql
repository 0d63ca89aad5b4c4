-- Purpose: where every line read went.
-- Grain:   one row
-- Reads:   sources, calls, cells
--
-- lines = calls + duplicates + rejects + context, always. outside_period counts calls that the
-- asked period leaves out; the undated ones of all calls are outside any period. first_day and last_day are days of $zone.
-- Params:  $zone
WITH
    read AS (
        SELECT
            count(*) AS files,
            coalesce(sum(lines), 0) AS lines,
            coalesce(sum(records), 0) AS records,
            coalesce(sum(rejects), 0) AS rejects,
            coalesce(sum(context), 0) AS context
        FROM sources
    ),
    stored AS (
        SELECT count(*) AS calls, count(*) FILTER (called_at IS NULL) AS undated
        FROM calls
    ),
    inside AS (
        SELECT
            coalesce(sum(calls), 0) AS calls,
            min(first_call_at) AS first_call_at,
            max(last_call_at) AS last_call_at
        FROM cells
    )
SELECT
    files::BIGINT AS files,
    lines::BIGINT AS lines,
    stored.calls::BIGINT AS calls,
    (records - stored.calls)::BIGINT AS duplicates,
    rejects::BIGINT AS rejects,
    context::BIGINT AS context,
    (stored.calls - inside.calls)::BIGINT AS outside_period,
    stored.undated::BIGINT AS undated,
    local_time(first_call_at, $zone)::DATE AS first_day,
    local_time(last_call_at, $zone)::DATE AS last_day
FROM read, stored, inside;
