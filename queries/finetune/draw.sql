-- Purpose: draw examples of each workload, or of all calls together.
-- Grain:   drawn call
-- Reads:   usable
-- Writes:  drawn
-- Params:  $by_workload, $most (examples of one), $tools (whether training takes calls with tools)
--
-- The same prompt twice is one example: the call that is drawn first. Where two draws are equal the
-- smaller call id is taken.

CREATE OR REPLACE TEMP TABLE drawn AS
WITH
    named AS (
        SELECT CASE WHEN $by_workload THEN workload ELSE '' END AS workload, prompt, draw
        FROM usable
        WHERE $tools OR NOT uses_tools
    ),
    once AS (
        SELECT workload, min(draw) AS draw
        FROM named
        WHERE prompt IS NOT NULL
        GROUP BY workload, prompt
        UNION ALL
        SELECT workload, draw
        FROM named
        WHERE prompt IS NULL
    ),
    first AS (
        SELECT workload, unnest(min(draw, $most)) AS draw
        FROM once
        GROUP BY workload
    )
SELECT DISTINCT ON (first.workload, first.draw)
    first.workload,
    first.draw,
    call_id,
    prompt_tokens,
    produced_tokens
FROM usable
JOIN first
    ON usable.draw = first.draw
    AND first.workload = CASE WHEN $by_workload THEN usable.workload ELSE '' END
ORDER BY first.workload, first.draw, call_id;
