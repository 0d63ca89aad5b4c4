-- Purpose: the calls that a model could be trained on.
-- Grain:   usable: call; tool_calls: workload that has calls with functions or tools
-- Reads:   calls
-- Writes:  usable, tool_calls
-- Params:  $from_date, $to_date, $zone (as replay/cells)
--
-- Answered calls of chat and completion models whose tokens are counted, and whose answer is one,
-- whole, and shorter than what was asked for. They are drawn in the order of the hash of their ids,
-- which has nothing to do with what they say. (Where a log has no ids, ours depend on the hash key,
-- and so does which calls are drawn.)

CREATE OR REPLACE TEMP TABLE usable AS
SELECT
    coalesce(workload, '') AS workload,
    prompt,
    md5_number_lower(call_id) AS draw,
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

CREATE OR REPLACE TEMP TABLE tool_calls AS
SELECT workload, count(*) AS calls
FROM usable
WHERE uses_tools
GROUP BY workload;
