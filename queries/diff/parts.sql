-- Purpose: what leads from each total of run A to that of run B.
-- Grain:   total × step
-- Reads:   differences, charges_a, charges_b
--
-- start plus the parts is end, to the last digit. calls are those that the part is of; of start and
-- end all of them.
WITH
    causes AS (
        SELECT *
        FROM (VALUES
            (2, 'new_calls'), (3, 'late_calls'), (4, 'gone_calls'), (5, 'replaced_calls'),
            (6, 'other_period'), (7, 'new_scenario'), (8, 'gone_scenario'),
            (9, 'changed_scenario'), (10, 'changed_name'), (11, 'changed_price'),
            (12, 'changed_settings'), (13, 'changed_tool'), (14, 'other_readings')
        ) AS numbered(step, cause)
    ),
    totals AS (
        SELECT name, 1 AS step, 'start' AS part, sum(calls) AS calls, sum(cost_usd) AS amount_usd
        FROM charges_a
        GROUP BY name
        UNION ALL
        SELECT name, 15, 'end', sum(calls), sum(cost_usd)
        FROM charges_b
        GROUP BY name
    ),
    parts AS (
        SELECT name, step, cause AS part, sum(calls) AS calls, usd_of(sum(amount)) AS amount_usd
        FROM differences
        JOIN causes USING (cause)
        GROUP BY ALL
        HAVING sum(calls) <> 0 OR sum(amount) <> 0
    )
SELECT
    name,
    part,
    calls::BIGINT AS calls,
    coalesce(amount_usd, 0)::DECIMAL(38, 18) AS amount_usd,
    round(coalesce(amount_usd, 0), 2)::DECIMAL(38, 2) AS amount_usd_rounded
FROM (
    SELECT * FROM totals
    UNION ALL
    SELECT * FROM parts
)
ORDER BY name <> 'actual', name, step;
