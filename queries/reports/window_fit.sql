-- Purpose: how long the calls are, against the context windows of the scenarios
-- Grain:   window
-- Reads:   steps_taken, windows (window_step, window_tokens)
-- By:      booking
-- Once:    replay/steps_taken
-- Columns:
--     window_tokens        the window; empty: longer than every window
--     calls                calls whose prompt and requested answer fit it and no smaller one
--     share                of all calls that a scenario can move, six decimals
--     fitting_share        share of the calls that fit this window or a smaller one
--     input_tokens         tokens that these calls sent
--     output_tokens        tokens that answered them
--     actual_usd           their actual cost, as far as it is known
WITH
    stepped AS (
        SELECT
            window_step,
            window_tokens,
            coalesce(calls, 0) AS calls,
            coalesce(input_tokens, 0) AS input_tokens,
            coalesce(output_tokens, 0) AS output_tokens,
            coalesce(actual_usd, 0::DECIMAL(38, 18)) AS actual_usd,
            sum(coalesce(calls, 0)) OVER () AS all_calls,
            sum(coalesce(calls, 0)) OVER (ORDER BY window_step) AS fitting_calls
        FROM windows
        LEFT JOIN steps_taken USING (window_step)
    )
SELECT
    window_tokens,
    calls::BIGINT AS calls,
    millionths(nearest(calls::HUGEINT * 1000000, all_calls)) AS share,
    CASE WHEN window_tokens IS NOT NULL
        THEN millionths(nearest(fitting_calls::HUGEINT * 1000000, all_calls)) END AS fitting_share,
    input_tokens::BIGINT AS input_tokens,
    output_tokens::BIGINT AS output_tokens,
    actual_usd
FROM stepped
ORDER BY window_step;
