-- Purpose: where every line read went.
-- Grain:   one row
-- Reads:   sources, calls, buckets, logged, cells
--
-- lines = calls + buckets + duplicates + rejects + context, always. counted are the calls that the
-- figures are about: the single calls, and the requests of the buckets of days without any.
-- summed_requests are those of them that come from sums; set_aside are buckets that are not counted,
-- of set_aside_requests. outside_period counts calls
-- that the asked period leaves out; the undated ones of all calls are outside any period. first_day
-- and last_day are days of $zone.
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
        SELECT count(*) AS records
        FROM calls
    ),
    kept AS (                           -- looks for the few buckets among the calls, not the reverse
        SELECT call_id
        FROM logged
        SEMI JOIN buckets USING (call_id)
    ),
    summed AS (
        SELECT
            count(*) AS buckets,
            count(*) FILTER (kept.call_id IS NULL) AS set_aside,
            coalesce(sum(requests) FILTER (kept.call_id IS NULL), 0) AS set_aside_requests,
            coalesce(sum(requests), 0) AS requests
        FROM buckets
        LEFT JOIN kept USING (call_id)
    ),
    taken AS (
        SELECT coalesce(sum(requests), 0) AS calls
        FROM logged
    ),
    dateless AS (                       -- by a filter: blocks that have none are not looked at
        SELECT count(*) AS undated
        FROM logged
        WHERE called_at IS NULL
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
    (stored.records - buckets)::BIGINT AS calls,
    buckets::BIGINT AS buckets,
    (read.records - stored.records)::BIGINT AS duplicates,
    rejects::BIGINT AS rejects,
    context::BIGINT AS context,
    taken.calls::BIGINT AS counted,
    (summed.requests - set_aside_requests)::BIGINT AS summed_requests,
    set_aside::BIGINT AS set_aside,
    set_aside_requests::BIGINT AS set_aside_requests,
    (taken.calls - inside.calls)::BIGINT AS outside_period,
    dateless.undated::BIGINT AS undated,
    local_time(first_call_at, $zone)::DATE AS first_day,
    local_time(last_call_at, $zone)::DATE AS last_day
FROM read, stored, summed, taken, dateless, inside;
