-- Purpose: keep the sampled calls with the smallest ranks, and the messages that they are made of.
-- Grain:   one row a workload, a sampled call, a message of one
-- Reads:   staged_workloads, staged_heads, staged_parts, workloads, heads, parts
-- Writes:  workloads, heads, parts, sampled
-- Params:  $most_heads, $most_tokens (of one group)
--
-- A head stays when fewer than $most_heads, and less than $most_tokens tokens, come before it in its
-- group. What is thrown away here would be thrown away with any further heads too, so the result
-- does not depend on the order in which sources arrive, nor on how the calls lie in them.

INSERT INTO workloads BY NAME
SELECT DISTINCT ON (workload) workload, found_by, label
FROM staged_workloads
WHERE workload NOT IN (SELECT workload FROM workloads)
ORDER BY workload, found_by, label;

CREATE OR REPLACE TEMP TABLE sampled AS
WITH
    touched AS (
        SELECT DISTINCT workload, month, encoding
        FROM staged_heads
    ),
    together AS (
        SELECT *
        FROM staged_heads
        UNION ALL BY NAME
        SELECT heads.*
        FROM heads
        JOIN touched USING (workload, month, encoding)
    ),
    once AS (
        SELECT DISTINCT ON (workload, month, encoding, rank, prompt) *
        FROM together
        ORDER BY workload, month, encoding, rank, prompt
    ),
    placed AS (
        SELECT
            *,
            row_number() OVER before AS place,
            coalesce(sum(tokens) OVER (before ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
                AS tokens_before
        FROM once
        WINDOW before AS (PARTITION BY workload, month, encoding ORDER BY rank, prompt)
    )
SELECT * EXCLUDE (place, tokens_before)
FROM placed
WHERE place <= $most_heads AND tokens_before < $most_tokens;

DELETE FROM heads
USING staged_heads AS staged
WHERE heads.workload = staged.workload
  AND heads.month = staged.month
  AND heads.encoding = staged.encoding;

INSERT INTO heads BY NAME
SELECT * FROM sampled;

INSERT INTO parts BY NAME
WITH
    known AS (
        SELECT part, encoding
        FROM parts
        SEMI JOIN staged_parts USING (part, encoding)
    ),
    needed AS (
        SELECT DISTINCT encoding, unnest(parts) AS part
        FROM sampled
    )
SELECT DISTINCT ON (part, encoding) part, encoding, tokens, links
FROM staged_parts
SEMI JOIN needed USING (part, encoding)
ANTI JOIN known USING (part, encoding)
ORDER BY part, encoding;
