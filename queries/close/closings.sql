-- Purpose: the closed months.
-- Grain:   month
-- Reads:   closings
SELECT month, zone, begins_at, ends_at, last_source, closed_on, tool, models, assume_model, calls,
    unpriced, input_tokens, output_tokens, actual_usd
FROM closings
ORDER BY month;
