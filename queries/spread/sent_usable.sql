-- Purpose: of the calls that a model could be trained on those that may be drawn.
-- Grain:   call
-- Reads:   usable
-- Params:  $most (examples of one workload)
--
-- A call that is drawn of all is among the first $most of any part of them that has it, prompts once
-- each: whatever comes before it there comes before it among all. So with and without workloads, with
-- and without calls that use tools (see finetune/draw).
WITH
    ways AS (
        SELECT by_workload, takes_tools
        FROM (VALUES (true), (false)) AS a (by_workload), (VALUES (true), (false)) AS b (takes_tools)
    ),
    named AS (
        SELECT
            by_workload,
            takes_tools,
            CASE WHEN by_workload THEN workload ELSE '' END AS shown,
            prompt,
            draw
        FROM usable, ways
        WHERE takes_tools OR NOT uses_tools
    ),
    once AS (
        SELECT by_workload, takes_tools, shown, min(draw) AS draw
        FROM named
        WHERE prompt IS NOT NULL
        GROUP BY by_workload, takes_tools, shown, prompt
        UNION ALL
        SELECT by_workload, takes_tools, shown, draw
        FROM named
        WHERE prompt IS NULL
    ),
    first AS (
        SELECT unnest(min(draw, $most)) AS draw
        FROM once
        GROUP BY by_workload, takes_tools, shown
    )
SELECT *
FROM usable
WHERE draw IN (SELECT draw FROM first)
ORDER BY ALL;
