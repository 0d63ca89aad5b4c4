-- Purpose: close a month: what it has now stays, what comes later is a correction.
-- Grain:   month
-- Reads:   sources
-- Writes:  closings
-- Params:  $month (its first day), $ends (the first day of the next), $zone, $closed_on, $tool, $models
--          (JSON), $assume_model, $calls, $unpriced, $input_tokens, $output_tokens, $actual_usd
INSERT INTO closings BY NAME
SELECT
    $month::DATE AS month,
    $zone AS zone,
    begins_at,
    ends_at,
    (SELECT coalesce(max(source_id), 0) FROM sources)::INTEGER AS last_source,
    $closed_on::DATE AS closed_on,
    $tool AS tool,
    $models AS models,
    $assume_model AS assume_model,
    $calls::BIGINT AS calls,
    $unpriced::BIGINT AS unpriced,
    $input_tokens::BIGINT AS input_tokens,
    $output_tokens::BIGINT AS output_tokens,
    $actual_usd::DECIMAL(38, 18) AS actual_usd
FROM period_of($month::DATE, $ends::DATE, $zone);
