-- Purpose: made-up calls of one source, as an ingest leaves them: August 2024, in the order of time.
-- Grain:   call
-- Reads:   calls
-- Writes:  calls
-- Params:  $source_id, $first, $last (numbers of its calls), $calls (of all sources),
--          $days (over which all are spread)
--
-- Everything about a call is drawn from its number. Ids are random base62, as providers make them,
-- which no compression shortens. Prompts and answers are short as a rule and long now and then.
INSERT INTO calls BY NAME
WITH
    numbered AS (
        SELECT
            number,
            hash(number, 1) % 1000 AS of_model,
            hash(number, 2) % 1000 AS of_tier,
            hash(number, 3) % 1000 AS of_length,
            hash(number, 4) % 1000 AS of_answer,
            hash(number, 5) % 1000 AS of_limit,
            hash(number, 6) % 1000 AS of_failure,
            hash(number, 7) % 1000 AS of_tags,
            hash(number, 8) % 1000 AS of_workload
        FROM range($first::BIGINT, $last::BIGINT) AS numbers(number)
    ),
    named AS (
        SELECT
            *,
            CASE
                WHEN of_model < 300 THEN 'gpt-3.5-turbo-0125'
                WHEN of_model < 350 THEN 'gpt-3.5-turbo-16k-0613'
                WHEN of_model < 600 THEN 'gpt-4o-2024-05-13'
                WHEN of_model < 700 THEN 'gpt-4-turbo-2024-04-09'
                WHEN of_model < 760 THEN 'gpt-4-0613'
                WHEN of_model < 960 THEN 'gpt-4o-mini-2024-07-18'
                ELSE 'text-embedding-ada-002'
            END AS model,
            of_failure < 5 AS failed
        FROM numbered
    )
SELECT
    'chatcmpl-' || translate(
        left(to_base64(unhex(md5(number::VARCHAR) || md5(('-' || number)))), 24), '+/', 'zZ'
    ) AS call_id,
    $source_id::INTEGER AS source_id,
    number - $first + 1 AS line,
    TIMESTAMP '2024-08-01'
        + to_microseconds((number::HUGEINT * ($days * 86400000000) // $calls)::BIGINT) AS called_at,
    CASE WHEN model LIKE 'gpt-4o-2024%' THEN 'gpt-4o' ELSE model END AS requested_model,
    CASE WHEN NOT failed THEN model END AS served_model,
    CASE WHEN model LIKE 'text-%' THEN 'embedding' ELSE 'chat' END AS endpoint,
    CASE WHEN of_tier < 80 THEN 'batch' ELSE 'standard' END AS tier,
    CASE
        WHEN failed THEN 'nobody'
        WHEN of_tier % 40 = 1 THEN 'tokenizer'
        ELSE 'provider'
    END AS counted_by,
    failed,
    CASE WHEN failed THEN 'HTTP 429' END AS problem,
    CASE
        WHEN failed THEN 0
        WHEN of_length < 700 THEN 60 + hash(number, 10) % 900
        WHEN of_length < 970 THEN 800 + hash(number, 10) % 3000
        ELSE 3000 + hash(number, 10) % 13000
    END AS input_tokens,
    0 AS cache_read_tokens,
    0 AS cache_write_tokens,
    CASE
        WHEN failed OR model LIKE 'text-%' THEN 0
        WHEN of_answer < 800 THEN 5 + hash(number, 11) % 300
        ELSE 200 + hash(number, 11) % 800
    END AS output_tokens,
    0 AS reasoning_tokens,
    0 AS audio_tokens,
    CASE
        WHEN of_limit < 150 THEN 256
        WHEN of_limit < 300 THEN 1000
        WHEN of_limit < 350 THEN 2000
    END AS max_tokens,
    CASE WHEN of_tags < 300 THEN MAP {
        'team': ['search', 'support', 'research', 'billing', 'platform'][(1 + of_tags % 5)::BIGINT]
    } ELSE MAP {} END AS tags,
    NOT failed AS whole_answer,
    of_tags % 20 = 0 AS uses_tools,
    left(md5('w' || (of_workload * of_workload // 5000)), 12) AS workload,
    hash(number, 12) AS prompt
FROM named
ORDER BY number;
