-- Purpose: what each budget of audit.toml allows, what was spent of it, and where that leads
-- Grain:   budget × period in which there are calls of any kind
-- Reads:   budgets, budget_days, days_seen
-- Params:  $zone
-- Columns:
--     budget               its name
--     scope                the calls that count
--     period               day, week (from Monday on), month, quarter or year
--     period_from          its first day
--     period_to            the first day that is no longer in
--     timezone             the zone of the days
--     judged               yes: the exit code of `audit nightly` depends on it; the period of the
--                          last day with calls, and as many before it as look_back says
--     state                broken: more was spent than the limit; warned: warn_at is reached;
--                          forecast_over: it will be if it goes on so; unknown: no call is priced;
--                          within: none of these, as far as the calls are priced
--     calls                calls of the scope
--     unpriced             of these the calls whose cost nobody knows: not in the cost, which they
--                          may lift above the limit unseen
--     undated              calls of the scope without a date, which are in no period
--     cost_usd             what the calls cost, every digit; empty: no call is priced
--     cost_usd_rounded     the same in cents (halves away from zero)
--     limit_usd            what they may cost
--     left_usd             limit_usd - cost_usd
--     used_share           cost_usd / limit_usd, six decimals, rounded down
--     warn_at              the share of the limit from which it warns
--     measured_from        the first whole day measured for the forecast: of the period, or of all
--                          calls where these begin later
--     measured_to          the first day no longer measured: the day after the last that has calls
--                          of any kind, or the day of the run where that is earlier
--     measured_days        whole days between them; the last is taken to be over
--     forecast_usd         cost of the measured days x days from measured_from to period_to
--                          / measured_days, to 10^-12 USD (halves away from zero); not below
--                          cost_usd; empty: nothing is measured yet
--     forecast_usd_rounded  the same in cents
WITH
    reach AS (
        SELECT
            min(day) AS first_day,
            coalesce(max(day) FILTER (day <= today), max(day)) AS last_day,
            any_value(today) AS today
        FROM days_seen
        CROSS JOIN (SELECT any_value(today) AS today FROM budgets) AS run
    ),
    begun AS (
        SELECT DISTINCT
            budgets.*,
            date_trunc(period, day)::DATE AS begins
        FROM budgets
        CROSS JOIN days_seen
    ),
    periods AS (
        SELECT
            *,
            least((begins + CASE period
                WHEN 'day' THEN INTERVAL 1 DAY
                WHEN 'week' THEN INTERVAL 7 DAY
                WHEN 'month' THEN INTERVAL 1 MONTH
                WHEN 'quarter' THEN INTERVAL 3 MONTH
                ELSE INTERVAL 1 YEAR
            END)::DATE, DATE '9999-12-31') AS ends
        FROM begun
    ),
    -- judged are the periods up to the current one, counted backwards
    placed AS (
        SELECT
            periods.* EXCLUDE (today),
            begins <= last_day AND count(*) FILTER (begins <= last_day)
                OVER (PARTITION BY budget ORDER BY begins DESC) <= look_back + 1 AS is_judged,
            greatest(begins, first_day) AS measured_from,
            least(ends, (last_day + 1)::DATE, reach.today) AS measured_to
        FROM periods
        CROSS JOIN reach
    ),
    dated AS (
        SELECT budget, day::DATE AS day, calls, unpriced, cost_usd
        FROM budget_days
        WHERE day <> ''
    ),
    undated AS (
        SELECT budget, calls AS undated
        FROM budget_days
        WHERE day = ''
    ),
    spent AS (
        SELECT
            placed.*,
            greatest(measured_to - measured_from, 0) AS measured_days,
            greatest(ends - greatest(measured_from, begins), 0) AS whole_days,
            coalesce(sum(calls), 0) AS calls,
            coalesce(sum(unpriced), 0) AS unpriced,
            CASE
                WHEN coalesce(sum(calls), 0) = 0 THEN 0::HUGEINT
                ELSE picos(sum(cost_usd))
            END AS cost,
            coalesce(picos(sum(cost_usd) FILTER (day >= measured_from AND day < measured_to)), 0)
                AS measured_cost
        FROM placed
        LEFT JOIN dated
            ON dated.budget = placed.budget AND day >= begins AND day < ends
        GROUP BY ALL
    ),
    foreseen AS (
        SELECT
            *,
            picos(limit_usd) AS allowed,
            CASE WHEN measured_days > 0 AND cost IS NOT NULL
                THEN greatest(cost, nearest(measured_cost * whole_days, measured_days))
            END AS forecast
        FROM spent
    )
SELECT
    name AS budget,
    scope,
    period,
    begins AS period_from,
    ends AS period_to,
    $zone AS timezone,
    CASE WHEN is_judged THEN 'yes' ELSE 'no' END AS judged,
    CASE
        WHEN cost IS NULL THEN 'unknown'
        WHEN cost > allowed THEN 'broken'
        WHEN cost > 0 AND cost * 1000000 >= allowed * warn_ppm THEN 'warned'
        WHEN forecast > allowed THEN 'forecast_over'
        ELSE 'within'
    END AS state,
    calls::BIGINT AS calls,
    unpriced::BIGINT AS unpriced,
    coalesce(undated, 0)::BIGINT AS undated,
    usd_of_picos(cost) AS cost_usd,
    round(usd_of_picos(cost), 2) AS cost_usd_rounded,
    limit_usd,
    usd_of_picos(allowed - cost) AS left_usd,
    millionths(down(cost * 1000000, allowed)) AS used_share,
    millionths(warn_ppm) AS warn_at,
    measured_from,
    measured_to,
    measured_days::BIGINT AS measured_days,
    usd_of_picos(forecast) AS forecast_usd,
    round(usd_of_picos(forecast), 2) AS forecast_usd_rounded
FROM foreseen
LEFT JOIN undated USING (budget)
WHERE (asked_to IS NULL OR begins < asked_to) AND (asked_from IS NULL OR ends > asked_from)
ORDER BY foreseen.budget, begins;
