-- Purpose: what parts the actual cost from each scenario's, of the asked period.
-- Grain:   scenario × part that has calls (start, not_moved, overflow, unpriced, model_mix, rate,
--          tokens_per_call, training)
-- Reads:   actual, ledger, asked, trainings (by_1 is the day)
-- Params:  $from_date, $to_date (half-open, NULL = no limit)
--
-- not_moved: calls that no scenario can answer (embeddings). overflow: calls that outgrow its window:
-- no saving, they leave the comparison. unpriced: calls that only one side can price leave or enter
-- it. Of all others the tokens as logged at the target's rates, less their actual cost, are model_mix
-- where the target is another model, else rate (another day's price, another tier). What the levers
-- of a move do to the tokens, at the target's rates, is tokens_per_call.
WITH
    inside AS (
        SELECT *
        FROM actual
        WHERE state <> 'failed'
          AND ($from_date IS NULL OR by_1 >= strftime($from_date::DATE, '%Y-%m-%d'))
          AND ($to_date IS NULL OR by_1 < strftime($to_date::DATE, '%Y-%m-%d'))
          AND (by_1 <> '' OR ($from_date IS NULL AND $to_date IS NULL))
    ),
    placed AS (
        SELECT
            asked.scenario,
            inside.calls,
            inside.actual_usd::DECIMAL(38, 18) AS actual_usd,
            ledger.replayed_usd,
            (ledger.prompt_usd + ledger.output_usd)::DECIMAL(38, 18) AS as_logged_usd,
            CASE
                WHEN NOT inside.movable THEN 'not_moved'
                WHEN ledger.outcome = 'overflows' THEN 'overflow'
                WHEN ledger.outcome = 'unpriced' OR inside.actual_usd IS NULL THEN 'unpriced'
                WHEN ledger.prompt_usd IS NULL THEN 'stays'
                WHEN ledger.priced_as = inside.model THEN 'rate'
                ELSE 'model_mix'
            END AS part
        FROM asked
        CROSS JOIN inside
        LEFT JOIN ledger ON ledger.scenario = asked.scenario AND ledger.cell = inside.cell
    ),
    parts AS (
        SELECT scenario, 'start' AS part, calls, actual_usd AS amount_usd
        FROM placed
        WHERE actual_usd IS NOT NULL
        UNION ALL
        SELECT scenario, part, calls, -coalesce(actual_usd, 0::DECIMAL(38, 18))
        FROM placed
        WHERE part IN ('not_moved', 'overflow', 'unpriced')
        UNION ALL
        SELECT scenario, part, 0, replayed_usd
        FROM placed
        WHERE part = 'unpriced' AND replayed_usd IS NOT NULL
        UNION ALL
        SELECT scenario, part, calls, as_logged_usd - actual_usd
        FROM placed
        WHERE part IN ('rate', 'model_mix')
        UNION ALL
        SELECT scenario, 'tokens_per_call', calls, replayed_usd - as_logged_usd
        FROM placed
        WHERE part IN ('rate', 'model_mix') AND replayed_usd <> as_logged_usd
        UNION ALL
        SELECT scenario, 'training', 0, token_cost(training_tokens, training_usd)::DECIMAL(38, 18)
        FROM trainings
        JOIN asked USING (scenario)
    )
SELECT
    scenario,
    part,
    sum(calls)::BIGINT AS calls,
    sum(amount_usd) AS amount_usd
FROM parts
GROUP BY ALL
ORDER BY scenario, part;
