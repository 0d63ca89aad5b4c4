-- Purpose: the groups of heads that take a new one only in place of a greater.
-- Grain:   one row a workload, month and encoding
-- Reads:   heads
-- Params:  $most_heads, $most_tokens (of one group)
SELECT workload, month, encoding, max(rank)::BIGINT AS greatest_rank
FROM heads
GROUP BY ALL
HAVING count(*) >= $most_heads OR sum(tokens) >= $most_tokens
ORDER BY workload, month, encoding;
