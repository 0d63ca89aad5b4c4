-- Purpose: what training on so many billed tokens costs.
-- Grain:   one row
-- Reads:   nothing
-- Params:  $training_tokens, $training_usd (per token)
SELECT token_cost($training_tokens::BIGINT, $training_usd::DECIMAL(18, 12)) AS training_usd;
