-- Purpose: the messages that sampled prompts are made of.
-- Grain:   one row a message and encoding
-- Reads:   parts
SELECT part, encoding, tokens, links
FROM parts
ORDER BY part, encoding;
