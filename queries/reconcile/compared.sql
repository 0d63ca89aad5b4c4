-- Purpose: an invoice and the logs side by side, and what the price and rounding explain.
-- Grain:   span of the invoice × item of it (the models that one of its lines is about)
-- Reads:   billed, billed_items (span, item of each billed row), logged_costs, items (of the logged
--          models, by day), spans (span, begins, ends), alternatives (rates of a model, USD per token)
-- Writes:  compared
--
-- residual_usd = billed - logged. price_usd is the part of it that other prices explain: where the
-- seller says what a sum of tokens cost, the difference to what it costs at our prices; where there
-- are only amounts, all of it if another row of the book for the one model makes the amount, to its
-- rounding, and the amount has the digits to tell (a thousand times the rounding): two cents are the
-- half of four by chance. rounding_cap_usd is half of the last decimal of each line.

CREATE OR REPLACE TEMP TABLE compared AS
WITH
    placed AS (
        SELECT span, begins, ends, item, logged_costs.*
        FROM logged_costs
        JOIN items USING (day, requested_model, served_model, priced_as)
        JOIN spans ON day >= begins AND day < ends
    ),
    logged_sums AS (
        SELECT
            span,
            item,
            sum(answered) AS answered,
            sum(failed) AS failed,
            sum(unpriced) AS unpriced,
            sum(cost_usd) AS logged_usd,
            sum(counted_usd) AS counted_usd,
            sum(estimated_usd) AS estimated_usd,
            coalesce(sum(cost_usd) FILTER (edge = 'first' AND day = begins), 0) AS first_usd,
            coalesce(sum(cost_usd) FILTER (edge = 'last' AND day = ends - 1), 0) AS last_usd,
            count(DISTINCT priced_as) FILTER (cost_usd <> 0) AS models
        FROM placed
        GROUP BY span, item
    ),
    outside AS (
        SELECT
            span,
            item,
            coalesce(sum(cost_usd) FILTER (edge = 'last' AND day = begins - 1), 0) AS before_usd,
            coalesce(sum(cost_usd) FILTER (edge = 'first' AND day = ends), 0) AS after_usd
        FROM logged_costs
        JOIN items USING (day, requested_model, served_model, priced_as)
        JOIN spans ON day = begins - 1 OR day = ends
        GROUP BY span, item
    ),
    bills AS (
        SELECT
            span,
            item,
            sum(coalesce(recorded_usd, cost_usd)) AS billed_usd,
            sum(requests) AS requests,
            sum(unpriced) AS billed_unpriced,
            sum(half_usd) AS rounding_cap_usd,
            coalesce(sum(recorded_usd - cost_usd), 0) AS price_usd,
            bool_or(cost_usd IS NULL) AS only_amounts
        FROM billed
        JOIN billed_items USING (place)
        GROUP BY span, item
    ),
    joined AS (
        SELECT
            span,
            item,
            bills.span IS NOT NULL AS is_billed,
            coalesce(billed_usd, 0)::DECIMAL(38, 24) AS billed_usd,
            coalesce(logged_usd, 0)::DECIMAL(38, 24) AS logged_usd,
            (coalesce(billed_usd, 0) - coalesce(logged_usd, 0))::DECIMAL(38, 24) AS residual_usd,
            requests::BIGINT AS requests,
            coalesce(billed_unpriced, 0)::BIGINT AS billed_unpriced,
            coalesce(answered, 0)::BIGINT AS answered,
            coalesce(failed, 0)::BIGINT AS failed,
            coalesce(unpriced, 0)::BIGINT AS unpriced,
            coalesce(counted_usd, 0)::DECIMAL(38, 24) AS counted_usd,
            coalesce(estimated_usd, 0)::DECIMAL(38, 24) AS estimated_usd,
            coalesce(first_usd, 0)::DECIMAL(38, 24) AS first_usd,
            coalesce(last_usd, 0)::DECIMAL(38, 24) AS last_usd,
            coalesce(before_usd, 0)::DECIMAL(38, 24) AS before_usd,
            coalesce(after_usd, 0)::DECIMAL(38, 24) AS after_usd,
            coalesce(rounding_cap_usd, 0)::DECIMAL(38, 24) AS rounding_cap_usd,
            coalesce(bills.price_usd, 0)::DECIMAL(38, 24) AS seller_price_usd,
            coalesce(only_amounts, false) AND models = 1 AND unpriced = 0 AS has_one_model
        FROM bills
        FULL JOIN logged_sums USING (span, item)
        LEFT JOIN outside USING (span, item)
    ),
    tokens AS (
        SELECT
            span,
            item,
            priced_as AS model,
            sum(input_tokens)::BIGINT AS input_tokens,
            sum(cache_read_tokens)::BIGINT AS cache_read_tokens,
            sum(cache_write_tokens)::BIGINT AS cache_write_tokens,
            sum(output_tokens)::BIGINT AS output_tokens
        FROM placed
        WHERE cost_usd <> 0
        GROUP BY ALL
    ),
    other_prices AS (
        SELECT
            span,
            item,
            label,
            place,
            (
                token_cost(input_tokens, input_usd)
                + token_cost(cache_read_tokens, cache_read_usd)
                + token_cost(cache_write_tokens, cache_write_usd)
                + token_cost(output_tokens, output_usd)
            )::DECIMAL(38, 24) AS other_usd
        FROM tokens
        JOIN alternatives USING (model)
    ),
    explained AS (
        SELECT span, item, label, other_usd
        FROM joined
        JOIN other_prices USING (span, item)
        WHERE has_one_model
          AND abs(residual_usd) > rounding_cap_usd
          AND abs(billed_usd) >= 1000 * rounding_cap_usd
          AND abs(billed_usd - other_usd) <= rounding_cap_usd
        QUALIFY row_number() OVER (PARTITION BY span, item ORDER BY place) = 1
    ),
    priced AS (
        SELECT
            joined.*,
            label AS price_of,
            CASE
                WHEN other_usd IS NOT NULL THEN other_usd - logged_usd
                ELSE seller_price_usd
            END AS price_usd
        FROM joined
        LEFT JOIN explained USING (span, item)
    )
SELECT
    * EXCLUDE (seller_price_usd, has_one_model),
    CASE
        WHEN abs(residual_usd - price_usd) <= rounding_cap_usd THEN 0
        ELSE residual_usd - price_usd
    END::DECIMAL(38, 24) AS rest_usd
FROM priced;
