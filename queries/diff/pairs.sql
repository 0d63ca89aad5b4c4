-- Purpose: the charges of two runs side by side, and why each cost differs.
-- Grain:   total × day × source × model names × tier × cause
-- Reads:   charges_a, charges_b, sources_a, sources_b (sha256), scenarios_a, scenarios_b (name, sha256)
-- Writes:  differences
-- Params:  $a_from, $a_to, $b_from, $b_to (days that the runs were asked for, NULL = no limit),
--          $a_last (the last day that A has calls of, or NULL), $settings_differ (models and
--          assume_model), $tool_differs
--
-- Charges are compared by day, file, model names and tier.
--     new_calls         B has a file that A has not: its calls, of days after A's last one
--     late_calls        the same, of days that A had calls up to
--     gone_calls        A has a file that B has not
--     replaced_calls    calls that another file holds now: a later file reads them better, or a file
--                       grew or has another name. Told by day and model: as many calls as left
--                       one file and came in by another, these at their average
--     other_period      days that only one of the two was asked for
--     new_scenario, gone_scenario   only one of the two replayed it
--     changed_scenario, changed_name, changed_price   the same calls with another cost: the scenario
--                       was rewritten, else the name leads to another model of the book, else the
--                       rates are others (or one became known)
--     changed_settings, changed_tool, other_readings  the rest: the model assumed or mapped, else the
--                       version of audit, else the same file read otherwise
-- Where one file has other calls and other prices at once, the calls more or less are valued at A's
-- average, to 10^-18 USD, and the rest is the price's: parts add up to the last digit always.
CREATE OR REPLACE TEMP TABLE differences AS
WITH
    charges AS (
        SELECT 'a' AS side, *
        FROM charges_a
        UNION ALL
        SELECT 'b' AS side, *
        FROM charges_b
    ),
    summed AS (
        SELECT
            side, name, coalesce(day, '') AS day, source_sha256,
            coalesce(requested_model, '') AS requested_model,
            coalesce(served_model, '') AS served_model, tier,
            sum(calls) AS calls,
            coalesce(sum(calls) FILTER (outcome = 'priced'), 0) AS priced,
            sum(input_tokens + cache_read_tokens + cache_write_tokens + output_tokens) AS tokens,
            coalesce(units(sum(cost_usd)), 0::HUGEINT) AS cost,
            list_sort(list(DISTINCT priced_as) FILTER (priced_as IS NOT NULL)) AS names,
            list_sort(list(DISTINCT
                rates_in_words(input_usd, cache_read_usd, cache_write_usd, output_usd)
            ) FILTER (outcome = 'priced')) AS rates
        FROM charges
        GROUP BY ALL
    ),
    a AS (
        SELECT *
        FROM summed
        WHERE side = 'a'
    ),
    b AS (
        SELECT *
        FROM summed
        WHERE side = 'b'
    ),
    joined AS (
        SELECT
            name, day, source_sha256, requested_model, served_model, tier,
            a.calls AS calls_a, b.calls AS calls_b, a.priced AS priced_a, b.priced AS priced_b,
            a.tokens AS tokens_a, b.tokens AS tokens_b, a.names AS names_a, b.names AS names_b,
            a.rates AS rates_a, b.rates AS rates_b,
            coalesce(a.cost, 0::HUGEINT) AS cost_a, coalesce(b.cost, 0::HUGEINT) AS cost_b,
            name IN (SELECT name FROM charges_a) AS is_in_a,
            name IN (SELECT name FROM charges_b) AS is_in_b,
            source_sha256 IN (SELECT sha256 FROM sources_a) AS a_has_source,
            source_sha256 IN (SELECT sha256 FROM sources_b) AS b_has_source,
            ($a_from IS NULL OR day >= $a_from) AND ($a_to IS NULL OR (day < $a_to AND day <> ''))
                AS a_has_day,
            ($b_from IS NULL OR day >= $b_from) AND ($b_to IS NULL OR (day < $b_to AND day <> ''))
                AS b_has_day,
            name IN (
                SELECT one.name
                FROM scenarios_a AS one
                JOIN scenarios_b AS other ON one.name = other.name AND one.sha256 <> other.sha256
            ) AS is_rewritten
        FROM a
        FULL JOIN b USING (name, day, source_sha256, requested_model, served_model, tier)
    ),
    valued AS (
        SELECT
            *,
            coalesce(calls_b, 0) - coalesce(calls_a, 0) AS more_calls,
            -- what calls more or less of a file that both have are worth, at A's average
            CASE
                WHEN calls_a IS NULL OR calls_b IS NULL OR calls_a = calls_b OR priced_a = 0 THEN 0
                ELSE nearest(cost_a * (calls_b - calls_a), calls_a)
            END AS by_calls
        FROM joined
    ),
    one_sided AS (
        SELECT
            *,
            CASE
                WHEN NOT is_in_a THEN 'new_scenario'
                WHEN NOT is_in_b THEN 'gone_scenario'
                WHEN calls_a IS NULL AND NOT a_has_source THEN
                    CASE WHEN day <> '' AND day <= $a_last THEN 'late_calls' ELSE 'new_calls' END
                WHEN calls_b IS NULL AND NOT b_has_source THEN 'gone_calls'
                WHEN NOT (a_has_day AND b_has_day) THEN 'other_period'
                WHEN $settings_differ THEN 'changed_settings'
                WHEN $tool_differs THEN 'changed_tool'
                WHEN calls_b IS NULL THEN 'replaced_calls'
                ELSE 'other_readings'
            END AS cause
        FROM valued
        WHERE calls_a IS NULL OR calls_b IS NULL
    ),
    both_sided AS (
        SELECT
            *,
            CASE
                WHEN more_calls < 0 THEN 'replaced_calls'
                WHEN $tool_differs THEN 'changed_tool'
                ELSE 'other_readings'
            END AS cause_of_calls,
            CASE
                WHEN is_rewritten THEN 'changed_scenario'
                WHEN len(names_a) > 0 AND len(names_b) > 0 AND names_a <> names_b
                    THEN 'changed_name'
                WHEN rates_a IS DISTINCT FROM rates_b THEN 'changed_price'
                WHEN $settings_differ THEN 'changed_settings'
                WHEN $tool_differs THEN 'changed_tool'
                WHEN more_calls <> 0 THEN cause_of_calls
                ELSE 'other_readings'
            END AS cause_of_rest
        FROM valued
        WHERE calls_a IS NOT NULL AND calls_b IS NOT NULL
    ),
    found AS (
        SELECT
            name, day, source_sha256, requested_model, served_model, tier, cause,
            more_calls AS calls, coalesce(priced_b, 0) - coalesce(priced_a, 0) AS priced,
            names_a, names_b, rates_a, rates_b, cost_b - cost_a AS amount
        FROM one_sided
        UNION ALL
        SELECT
            name, day, source_sha256, requested_model, served_model, tier, cause_of_calls,
            more_calls, 0, names_a, names_b, rates_a, rates_b, by_calls
        FROM both_sided
        WHERE more_calls <> 0
        UNION ALL
        SELECT
            name, day, source_sha256, requested_model, served_model, tier, cause_of_rest,
            CASE WHEN more_calls = 0 THEN calls_b ELSE 0 END, priced_b - priced_a,
            names_a, names_b, rates_a, rates_b, cost_b - cost_a - by_calls
        FROM both_sided
        WHERE cost_b - cost_a - by_calls <> 0 OR priced_a <> priced_b
    ),
    -- calls that leave one file and come in by another, on one day and by one model, are the same
    exchanged AS (
        SELECT
            name, day, requested_model, served_model, tier,
            any_value(cause) FILTER (cause IN ('new_calls', 'late_calls')) AS cause_in,
            coalesce(sum(calls) FILTER (cause IN ('new_calls', 'late_calls')), 0)::HUGEINT
                AS calls_in,
            coalesce(sum(amount) FILTER (cause IN ('new_calls', 'late_calls')), 0)::HUGEINT
                AS amount_in,
            coalesce(-sum(calls) FILTER (cause = 'gone_calls'), 0)::HUGEINT AS calls_gone,
            coalesce(sum(amount) FILTER (cause = 'gone_calls'), 0)::HUGEINT AS amount_gone,
            coalesce(-sum(calls) FILTER (cause = 'replaced_calls'), 0)::HUGEINT AS calls_replaced
        FROM found
        GROUP BY ALL
    ),
    moved AS (
        SELECT
            *,
            least(calls_in, calls_gone + calls_replaced) AS moved_in,
            least(greatest(least(calls_in, calls_gone + calls_replaced) - calls_replaced, 0), calls_gone)
                AS moved_gone
        FROM exchanged
        WHERE calls_in > 0 AND calls_gone + calls_replaced > 0
    ),
    valued_moves AS (
        SELECT
            *,
            nearest(amount_in * moved_in, calls_in) AS moved_amount,
            CASE WHEN calls_gone = 0 THEN 0 ELSE nearest(amount_gone * moved_gone, calls_gone) END
                AS gone_amount
        FROM moved
    )
SELECT *
FROM found
UNION ALL BY NAME
SELECT
    name, day, requested_model, served_model, tier,
    unnest([cause_in, 'replaced_calls', 'gone_calls', 'replaced_calls']) AS cause,
    unnest([-moved_in, moved_in, moved_gone, -moved_gone]) AS calls,
    unnest([-moved_amount, moved_amount, -gone_amount, gone_amount]) AS amount
FROM valued_moves;
