-- Purpose: what the price book lacks, loses soon or is not sure of, in what the logs use.
-- Grain:   finding × name or row of the book
-- Reads:   actual, book_rows (book, line, confidence, ends_on, source)
-- Params:  $since, $until (days, both included), $zone
--
-- unknown: a name without a rate; retiring: a name whose last rate ends from $since to $until;
-- doubtful: a row of the book that is not certain and has cost money; inferred: a name that led to
-- its row by alias, mapping, router or Azure form. Failed calls cost nothing and tell nothing;
-- calls without a name or date are not for the book to know.
WITH
    used AS (
        SELECT
            coalesce(nullif(served_model, ''), requested_model) AS name,
            CASE WHEN basis <> 'exact' THEN basis END AS led_by,
            actual.model AS priced_as,
            actual.*,
            book_rows.confidence,
            book_rows.ends_on,
            book_rows.source
        FROM actual
        LEFT JOIN book_rows USING (book, line)
        WHERE state <> 'failed'
          AND epoch <> DATE '0001-01-01'
          AND concat(served_model, requested_model) <> ''
    ),
    found AS (
        SELECT
            1 AS rank, 'unknown' AS finding, name, tier, NULL AS priced_as,
            NULL AS led_by, NULL AS book, NULL AS line, NULL AS confidence, NULL AS ends_on,
            reason AS why,
            calls, prompt_tokens, produced_tokens, last_call_at, NULL AS actual_usd
        FROM used
        WHERE actual_usd IS NULL AND (priced_as IS NULL OR state = 'counted')
        UNION ALL BY NAME
        SELECT
            2 AS rank, 'retiring' AS finding, name, tier, priced_as, led_by,
            book, line, confidence, ends_on, source AS why,
            calls, prompt_tokens, produced_tokens, last_call_at, actual_usd
        FROM used
        WHERE ends_on BETWEEN $since AND $until
        UNION ALL BY NAME
        SELECT
            3 AS rank, 'doubtful' AS finding, priced_as AS name, tier, priced_as,
            NULL AS led_by, book, line, confidence, NULL AS ends_on, source AS why,
            calls, prompt_tokens, produced_tokens, last_call_at, actual_usd
        FROM used
        WHERE NOT certain AND actual_usd > 0
        UNION ALL BY NAME
        SELECT
            4 AS rank, 'inferred' AS finding, name, tier, priced_as, led_by,
            book, line, confidence, NULL AS ends_on, source AS why,
            calls, prompt_tokens, produced_tokens, last_call_at, actual_usd
        FROM used
        WHERE led_by IS NOT NULL AND actual_usd IS NOT NULL
    )
SELECT
    finding,
    name,
    tier,
    priced_as,
    led_by,
    book,
    line::BIGINT AS line,
    confidence,
    ends_on::DATE AS ends_on,
    why,
    sum(calls)::BIGINT AS calls,
    sum(prompt_tokens)::BIGINT AS input_tokens,
    sum(produced_tokens)::BIGINT AS output_tokens,
    local_time(max(last_call_at), $zone)::DATE AS last_seen,
    sum(actual_usd)::DECIMAL(38, 12) AS cost_usd
FROM found
GROUP BY rank, finding, name, tier, priced_as, led_by, book, line, confidence, ends_on, why
ORDER BY rank, cost_usd DESC NULLS FIRST, sum(calls) DESC, name, tier, priced_as, led_by, book, line,
    why;
