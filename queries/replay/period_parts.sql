-- Purpose: what parts the actual cost of each period from that of the one before.
-- Grain:   span that has one before it × part (start, volume, model_mix, tokens_per_call, rate)
-- Reads:   actual, names, spans (by_1 is the day)
--
-- With C the cost, N the priced calls, c and n those of a group (model, tier and prompt step), t and m
-- its tokens on a meter and their cost, 0 before and 1 now, the cost is reckoned again and again with
-- one more thing as it is now:
--     volume           C0 × N1 ÷ N0
--     model_mix        the sum of c0 × n1 ÷ n0 of the groups; of one that is new c1
--     tokens_per_call  the sum of m0 × t1 ÷ t0 of groups and meters; of a meter that is new m1
--     rate             C1
-- Each part is the difference to the cost before it, so the parts add up to C1 - C0 whatever they
-- are; each of these costs is rounded to 10^-12 USD. Where there was no call before all is volume.
WITH
    metered AS (
        SELECT
            spans.span,
            concat_ws(chr(31), actual.model, actual.tier, actual.prompt_step) AS kind,
            actual.calls,
            actual.actual_usd,
            [
                (actual.input_tokens, token_cost(actual.input_tokens, names.input_usd)),
                (actual.cache_read_tokens,
                    token_cost(actual.cache_read_tokens, names.cache_read_usd)),
                (actual.cache_write_tokens,
                    token_cost(actual.cache_write_tokens, names.cache_write_usd)),
                (actual.produced_tokens, token_cost(actual.produced_tokens, names.output_usd))
            ] AS meters
        FROM actual
        JOIN names USING (closing, epoch, requested_model, served_model, tier, prompt_step)
        JOIN spans
            ON actual.by_1 >= strftime(spans.begins, '%Y-%m-%d')
            AND actual.by_1 < strftime(spans.ends, '%Y-%m-%d')
        WHERE actual.state = 'counted' AND actual.actual_usd IS NOT NULL
    ),
    kinds AS (
        SELECT span, kind, sum(calls) AS calls, picos(sum(actual_usd)) AS cost
        FROM metered
        GROUP BY ALL
    ),
    tokens AS (
        SELECT
            span, kind, meter,
            sum(meters[meter][1]) AS tokens,
            picos(sum(meters[meter][2])) AS cost
        FROM metered
        CROSS JOIN (SELECT unnest([1, 2, 3, 4]) AS meter) AS numbered
        GROUP BY ALL
    ),
    wholes AS (
        SELECT
            spans.span,
            coalesce(sum(kinds.calls), 0) AS calls,
            coalesce(sum(kinds.cost), 0) AS cost
        FROM spans
        LEFT JOIN kinds USING (span)
        GROUP BY ALL
    ),
    -- the cost with volume and mix as they are now, then with the tokens too
    mixed AS (
        SELECT
            now.span,
            sum(CASE
                WHEN coalesce(before.calls, 0) > 0 THEN nearest(before.cost * now.calls, before.calls)
                ELSE now.cost
            END) AS cost
        FROM kinds AS now
        LEFT JOIN kinds AS before ON before.span = now.span - 1 AND before.kind = now.kind
        GROUP BY ALL
    ),
    retold AS (
        SELECT
            now.span,
            sum(CASE
                WHEN coalesce(before.tokens, 0) > 0
                    THEN nearest(before.cost * now.tokens, before.tokens)
                ELSE now.cost
            END) AS cost
        FROM tokens AS now
        LEFT JOIN tokens AS before
            ON before.span = now.span - 1 AND before.kind = now.kind AND before.meter = now.meter
        GROUP BY ALL
    ),
    costs AS (
        SELECT
            now.span,
            now.calls,
            before.calls AS calls_before,
            before.cost AS cost_before,
            CASE WHEN before.calls > 0 THEN nearest(before.cost * now.calls, before.calls)
                ELSE now.cost END AS cost_of_volume,
            CASE WHEN before.calls > 0 THEN coalesce(mixed.cost, 0) ELSE now.cost END AS cost_of_mix,
            CASE WHEN before.calls > 0 THEN coalesce(retold.cost, 0) ELSE now.cost END
                AS cost_of_tokens,
            now.cost AS cost_now
        FROM wholes AS now
        JOIN wholes AS before ON before.span = now.span - 1
        LEFT JOIN mixed ON mixed.span = now.span
        LEFT JOIN retold ON retold.span = now.span
    ),
    parts AS (
        SELECT span, 'start' AS part, calls_before AS calls, cost_before AS amount FROM costs
        UNION ALL
        SELECT span, 'volume', calls - calls_before, cost_of_volume - cost_before FROM costs
        UNION ALL
        SELECT span, 'model_mix', 0, cost_of_mix - cost_of_volume FROM costs
        UNION ALL
        SELECT span, 'tokens_per_call', 0, cost_of_tokens - cost_of_mix FROM costs
        UNION ALL
        SELECT span, 'rate', 0, cost_now - cost_of_tokens FROM costs
    )
SELECT span, part, calls::BIGINT AS calls, usd_of_picos(amount) AS amount_usd
FROM parts
ORDER BY span, part;
