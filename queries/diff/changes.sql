-- Purpose: which names and prices changed between two runs, and what that did.
-- Grain:   total × cause × model name × models of the book before and after × rates before and after
-- Reads:   differences
--
-- The model is given where a name leads elsewhere. Rates are USD per 1,000 tokens.
WITH changed AS (
    SELECT
        name,
        cause,
        CASE WHEN cause = 'changed_name'
            THEN coalesce(nullif(served_model, ''), nullif(requested_model, '')) END AS model,
        array_to_string(names_a, ', ') AS priced_as_a,
        array_to_string(names_b, ', ') AS priced_as_b,
        array_to_string(rates_a, '; ') AS rates_a,
        array_to_string(rates_b, '; ') AS rates_b,
        sum(calls)::BIGINT AS calls,
        usd_of(sum(amount))::DECIMAL(38, 18) AS amount_usd
    FROM differences
    WHERE cause IN ('changed_scenario', 'changed_name', 'changed_price')
    GROUP BY ALL
)
SELECT name, cause, model, priced_as_a, priced_as_b, rates_a, rates_b, calls, amount_usd
FROM changed
ORDER BY name <> 'actual', name, cause, model NULLS FIRST, priced_as_a, priced_as_b, rates_a, rates_b;
