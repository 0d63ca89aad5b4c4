-- Purpose: for every workload what it cost, what it would cost fine-tuned, and whether that pays.
-- Grain:   workload
-- Reads:   ledger, actual, training (workload, examples, epochs, training_tokens, truncated,
--          training_usd per token), levers (workload, kept, output, cut_tokens, cut_calls, heads,
--          holding: the shared beginning at its best level)
-- Params:  $against (position of the scenario to compare with; NULL: the actual cost),
--          $together (all calls as one workload), $fewest (examples), $ends (of the
--          period, excluded, in days of $zone; NULL: no dates), $retrain_days (or NULL)
--
-- Position 0 is the fine-tuned target. Tokens and money are of the compared calls: those that fit the
-- target and whose other cost is known. With P for what the target asks for the prompts as logged, Q
-- for the answers as long as they are expected, A for what they are compared with, T for one training,
-- and t = T × days / retrain_days (0 without retraining), days being those since the first call:
--     replayed_usd  R = P × kept - cut + Q
--     pays back     A - R > t, after the smallest n with n × (A - R) / compared_calls >= T
--     dearer        the calls of those models that cost more once moved, and how much
--     required cut  the share x of the prompts at which P × (1 - x) + Q + t = A
-- Everything is reckoned in whole units of 10^-18 USD. required_cut_share is rounded up to six
-- decimals, possible_cut_share down, saving_usd_per_1k_calls to the nearest 10^-18 USD.

WITH
    cells AS (
        SELECT
            CASE WHEN $together THEN '' ELSE moved.workload END AS workload,
            coalesce(nullif(actual.served_model, ''), actual.requested_model) AS model,
            moved.outcome,
            moved.calls,
            actual.first_call_at,
            actual.prompt_tokens AS logged_tokens,
            actual.produced_tokens AS answered_tokens,
            moved.prompt_tokens AS sent_tokens,
            moved.prompt_usd,
            moved.output_usd,
            moved.answers_usd,
            moved.replayed_usd,
            moved.actual_usd,
            CASE WHEN $against IS NULL THEN moved.actual_usd::DECIMAL(38, 18)
                ELSE other.replayed_usd END AS against_usd
        FROM ledger AS moved
        JOIN actual USING (cell)
        LEFT JOIN ledger AS other ON other.cell = moved.cell AND other.scenario = $against
        WHERE moved.scenario = 0
    ),
    marked AS (
        SELECT *, outcome = 'fits' AND against_usd IS NOT NULL AS compared
        FROM cells
    ),
    of_model AS (
        SELECT
            workload,
            sum(calls) AS calls,
            sum(replayed_usd) - sum(against_usd) AS more_usd
        FROM marked
        WHERE compared
        GROUP BY workload, model
    ),
    dearer AS (
        SELECT workload, sum(calls)::BIGINT AS dearer_calls, sum(more_usd) AS dearer_usd
        FROM of_model
        WHERE more_usd > 0
        GROUP BY workload
    ),
    summed AS (
        SELECT
            workload,
            sum(calls)::BIGINT AS calls,
            -- from its first call to the end of the period
            date_diff('day', local_time(min(first_call_at), $zone)::DATE, $ends::DATE) AS days,
            coalesce(sum(calls) FILTER (outcome = 'fits'), 0)::BIGINT AS fits,
            coalesce(sum(calls) FILTER (outcome = 'overflows'), 0)::BIGINT AS overflows,
            coalesce(sum(calls) FILTER (outcome = 'unpriced'), 0)::BIGINT AS unpriced,
            coalesce(sum(calls) FILTER (compared), 0)::BIGINT AS compared_calls,
            coalesce(sum(logged_tokens) FILTER (compared), 0)::BIGINT AS input_tokens,
            coalesce(sum(answered_tokens) FILTER (compared), 0)::BIGINT AS output_tokens,
            coalesce(sum(sent_tokens) FILTER (compared), 0)::DECIMAL(38, 6) AS sent_tokens,
            coalesce(sum(calls) FILTER (compared AND actual_usd IS NOT NULL), 0)::BIGINT
                AS actual_calls,
            coalesce(sum(calls) FILTER (actual_usd IS NULL), 0)::BIGINT AS without_cost,
            sum(actual_usd) FILTER (compared) AS actual_usd,
            sum(against_usd) FILTER (compared) AS against_usd,
            sum(prompt_usd) FILTER (compared)::DECIMAL(38, 18) AS prompt_usd,
            sum(output_usd) FILTER (compared)::DECIMAL(38, 18) AS output_usd,
            sum(answers_usd) FILTER (compared) AS answers_usd,
            sum(replayed_usd) FILTER (compared) AS replayed_usd
        FROM marked
        GROUP BY ALL
    ),
    known AS (
        SELECT
            summed.*,
            coalesce(training.examples, 0) AS examples,
            coalesce(training.epochs, 0) AS epochs,
            coalesce(training.training_tokens, 0) AS training_tokens,
            coalesce(training.truncated, 0) AS truncated,
            token_cost(training.training_tokens, training.training_usd) AS training_usd,
            levers.kept,
            levers.output,
            coalesce(levers.cut_tokens, 0) AS possible_cut_tokens,
            coalesce(levers.cut_calls, 0) AS possible_cut_calls,
            levers.heads,
            levers.holding,
            coalesce(dearer_calls, 0) AS dearer_calls,
            dearer_usd
        FROM summed
        LEFT JOIN training USING (workload)
        JOIN levers USING (workload)
        LEFT JOIN dearer USING (workload)
    ),
    counted AS (
        SELECT
            *,
            units(against_usd) AS against_units,
            units(replayed_usd) AS replayed_units,
            units(prompt_usd) AS prompt_units,
            units(answers_usd) AS answers_units,
            units(training_usd) AS training_units,
            -- nothing to train, or no dates to train again by: no further training
            coalesce(up(units(training_usd) * days, $retrain_days), 0) AS retraining_units
        FROM known
    ),
    saved AS (
        SELECT
            *,
            against_units - replayed_units AS saving_units,
            prompt_units + answers_units + retraining_units - against_units AS missing_units
        FROM counted
    ),
    judged AS (
        SELECT
            *,
            CASE
                WHEN overflows > fits THEN 'does_not_fit'
                WHEN examples < $fewest OR compared_calls = 0 THEN 'too_few_calls'
                WHEN saving_units > retraining_units THEN 'pays_back'
                WHEN answers_units + retraining_units >= against_units THEN 'never'
                ELSE 'needs_cut'
            END AS verdict
        FROM saved
    ),
    paid AS (
        SELECT
            *,
            CASE WHEN verdict = 'pays_back' THEN up(training_units * compared_calls, saving_units) END
                AS break_even_calls
        FROM judged
    )
SELECT
    workload,
    days::BIGINT AS days,
    calls, fits, overflows, unpriced, compared_calls, actual_calls, without_cost, input_tokens, output_tokens, sent_tokens,
    actual_usd, against_usd, prompt_usd, output_usd, answers_usd, replayed_usd, kept, output,
    examples::BIGINT AS examples,
    epochs::INTEGER AS epochs,
    training_tokens::BIGINT AS training_tokens,
    truncated::BIGINT AS truncated,
    training_usd,
    usd_of(saving_units) AS saving_usd,
    dearer_calls,
    dearer_usd,
    usd_of(nearest(saving_units * 1000, compared_calls)) AS saving_usd_per_1k_calls,
    break_even_calls::BIGINT AS break_even_calls,
    up(break_even_calls * days, compared_calls)::BIGINT AS break_even_days,
    CASE WHEN prompt_units > 0 THEN
        millionths(greatest(up(greatest(missing_units, 0) * 1000000, prompt_units), 0))
    END AS required_cut_share,
    CASE WHEN heads > 0 THEN possible_cut_tokens END::BIGINT AS possible_cut_tokens,
    possible_cut_calls::DECIMAL(7, 6) AS possible_cut_calls,
    CASE WHEN input_tokens > 0 AND heads > 0 THEN
        millionths(least(down(
            possible_cut_tokens * (possible_cut_calls * 1000000)::HUGEINT * compared_calls,
            input_tokens
        ), 1000000))
    END AS possible_cut_share,
    heads::BIGINT AS heads,
    holding::BIGINT AS holding,
    retraining_units > 0 AND saving_units > 0 AS is_eaten_by_retraining,
    verdict
FROM paid
ORDER BY against_usd DESC NULLS LAST, calls DESC, workload;
