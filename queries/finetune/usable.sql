-- Purpose: the calls that a model could be trained on.
-- Grain:   call
-- Reads:   calls
-- Writes:  usable
-- Params:  $from_date, $to_date, $zone (as replay/cells)
--
-- Answered calls of chat and completion models whose tokens are counted, and whose answer is one,
-- whole, and shorter than what was asked for. They are drawn in the order of the hash of their ids,
-- which has nothing to do with what they say. Where the log has none, our own depend on the hash
-- key: then their time, models and counts come first, so that the key decides no figure.

CREATE OR REPLACE TEMP TABLE usable AS
SELECT
    coalesce(workload, '') AS workload,
    prompt,
    md5_number_lower(
        CASE WHEN starts_with(call_id, 'row-') THEN
            concat_ws(' ', called_at, served_model, requested_model, input_tokens, output_tokens)
        ELSE call_id END
    ) * 18446744073709551616::UHUGEINT + md5_number_lower(call_id) AS draw,
    call_id,
    uses_tools,
    input_tokens + cache_read_tokens + cache_write_tokens AS prompt_tokens,
    output_tokens + reasoning_tokens AS produced_tokens
FROM calls, period_of($from_date, $to_date, $zone)
WHERE (begins_at IS NULL OR called_at >= begins_at)
  AND (ends_at IS NULL OR called_at < ends_at)
  AND endpoint IN ('chat', 'completion', 'response')
  AND whole_answer AND NOT failed AND counted_by <> 'nobody' AND audio_tokens = 0
  AND output_tokens > 0
  AND (max_tokens IS NULL OR output_tokens + reasoning_tokens < max_tokens);
