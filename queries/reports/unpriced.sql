-- Purpose: the calls that have no price, and why
-- Grain:   actual cost or scenario × model × tier × reason
-- Reads:   unpriced, moved_unpriced, asked_scenarios
-- By:      booking
-- Once:    replay/unpriced
-- Each:    replay/moved_unpriced
-- Columns:
--     name                 actual, or the scenario
--     model                the name in the log: of the model that served, else of the one asked for
--     tier                 standard, batch, or the provider's word
--     reason               why nobody knows the cost
--     calls                calls without it; in no total
--     input_tokens         tokens that they sent, as far as they are counted
--     output_tokens        tokens that answered, likewise
SELECT name, model, tier, reason, calls, input_tokens, output_tokens
FROM (
    SELECT -1 AS place, 'actual' AS name, *
    FROM unpriced
    UNION ALL BY NAME
    SELECT scenario AS place, name, moved_unpriced.* EXCLUDE (scenario)
    FROM moved_unpriced
    JOIN asked_scenarios USING (scenario)
)
ORDER BY place, calls DESC, model NULLS FIRST, tier, reason;
