-- Purpose: the cells of calls that are taken as they were logged, by what is nearly free to group by.
-- Grain:   as replay/cells
-- Reads:   added
-- Writes:  cells
-- Params:  $zone, $assume_model (as replay/cells), $by_1 .. $by_6 (of day, month, model, requested_model,
--          endpoint, tier, booking, $extra, and ''), $extra (as replay/added_calls)
--
-- The same as replay/cells where no month is closed, no call is a sum and no move takes any, in a third
-- of its time: the columns are grouped as they lie in the store, which costs least, and the few groups
-- are then named and put together.

CREATE OR REPLACE TEMP TABLE cells AS
WITH
    named AS (
        SELECT
            *,
            coalesce(quarter, called_on) AS moment,
            state_of(counted_by, failed, has_audio) AS state
        FROM added
    )
SELECT
    DATE '0001-01-01' AS closing,
    coalesce(called_on, DATE '0001-01-01') AS price_date,
    coalesce(requested_model, CASE WHEN served_model IS NULL THEN $assume_model END, '')
        AS requested_model,
    coalesce(served_model, '') AS served_model,
    tier,
    state,
    CASE WHEN state = 'uncounted' THEN coalesce(problem, '') ELSE '' END AS problem,
    endpoint IN ('chat', 'completion', 'response') AS movable,
    counted_by,
    has_recorded,
    '' AS workload,
    -1 AS move,
    window_step,
    prompt_step,
    0 AS moved_window_step,
    0 AS moved_prompt_step,
    CASE WHEN $by_1 <> $extra THEN dimension($by_1, moment, $zone, named.served_model, named.requested_model, endpoint, tier, '', NULL::MAP(VARCHAR, VARCHAR), '', 'open', '') ELSE coalesce(extra, '') END AS by_1,
    CASE WHEN $by_2 <> $extra THEN dimension($by_2, moment, $zone, named.served_model, named.requested_model, endpoint, tier, '', NULL::MAP(VARCHAR, VARCHAR), '', 'open', '') ELSE coalesce(extra, '') END AS by_2,
    CASE WHEN $by_3 <> $extra THEN dimension($by_3, moment, $zone, named.served_model, named.requested_model, endpoint, tier, '', NULL::MAP(VARCHAR, VARCHAR), '', 'open', '') ELSE coalesce(extra, '') END AS by_3,
    CASE WHEN $by_4 <> $extra THEN dimension($by_4, moment, $zone, named.served_model, named.requested_model, endpoint, tier, '', NULL::MAP(VARCHAR, VARCHAR), '', 'open', '') ELSE coalesce(extra, '') END AS by_4,
    CASE WHEN $by_5 <> $extra THEN dimension($by_5, moment, $zone, named.served_model, named.requested_model, endpoint, tier, '', NULL::MAP(VARCHAR, VARCHAR), '', 'open', '') ELSE coalesce(extra, '') END AS by_5,
    CASE WHEN $by_6 <> $extra THEN dimension($by_6, moment, $zone, named.served_model, named.requested_model, endpoint, tier, '', NULL::MAP(VARCHAR, VARCHAR), '', 'open', '') ELSE coalesce(extra, '') END AS by_6,
    sum(calls) AS calls,
    sum(input_tokens) AS input_tokens,
    sum(cache_read_tokens) AS cache_read_tokens,
    sum(cache_write_tokens) AS cache_write_tokens,
    sum(output_tokens) AS output_tokens,
    sum(reasoning_tokens) AS reasoning_tokens,
    0::HUGEINT AS cut_input_tokens,
    0::HUGEINT AS cut_cache_read_tokens,
    0::HUGEINT AS cut_cache_write_tokens,
    sum(named.recorded_usd) AS recorded_usd,
    min(first_call_at) AS first_call_at,
    max(last_call_at) AS last_call_at
FROM named
GROUP BY ALL;
