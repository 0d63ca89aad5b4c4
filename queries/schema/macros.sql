-- Purpose: expressions that several queries share.
-- Reads:   nothing
-- Writes:  temporary macros quality, row_id, id_stem, local_time, day_begins, period_of, day_in, edge_of, dimension, step, state_of, per_request, share_up, token_cost,
--          units, usd_of, picos, usd_of_picos, per_1k, rates_in_words, up, down, nearest, millionths,
--          focus_moment, focus_number, focus_tags

-- A total order on readings of one call: the greatest is kept. See ingest/name_rows.sql.
CREATE OR REPLACE TEMP MACRO quality(
    counted_by, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens,
    reasoning_tokens, audio_tokens, failed, called_at, served_model, requested_model,
    endpoint, tier, max_tokens, recorded_usd, tags, problem
) AS ROW(
    CASE counted_by WHEN 'provider' THEN 3 WHEN 'tokenizer' THEN 2 WHEN 'estimate' THEN 1 ELSE 0 END,
    input_tokens + cache_read_tokens + cache_write_tokens
        + output_tokens + reasoning_tokens + audio_tokens,
    NOT failed,
    coalesce(called_at::VARCHAR, ''),
    coalesce(served_model, ''),
    coalesce(requested_model, ''),
    input_tokens,
    cache_read_tokens,
    cache_write_tokens,
    output_tokens,
    reasoning_tokens,
    endpoint,
    tier,
    coalesce(max_tokens, -1),
    coalesce(recorded_usd, -1),
    coalesce(cardinality(tags), 0),
    coalesce(tags::VARCHAR, ''),
    coalesce(problem, '')
);

-- The identity of a call that has no id: the hash of what the log says of it, and its ordinal among
-- equal rows of its source, here 1. Counts of our own are left out of the hash, so that a better
-- tokenizer finds the same call again.
CREATE OR REPLACE TEMP MACRO row_id(
    called_at, requested_model, served_model, endpoint, tier, failed, counted_by, input_tokens,
    cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, audio_tokens,
    max_tokens, recorded_usd, tags, fingerprint
) AS concat('row-', md5(concat_ws(
    chr(31),
    coalesce(called_at::VARCHAR, ''),
    coalesce(requested_model, ''),
    coalesce(served_model, ''),
    endpoint,
    tier,
    failed::VARCHAR,
    CASE WHEN counted_by = 'provider' THEN concat_ws(
        ' ',
        input_tokens, cache_read_tokens, cache_write_tokens,
        output_tokens, reasoning_tokens, audio_tokens
    ) ELSE '' END,
    coalesce(max_tokens::VARCHAR, ''),
    coalesce(recorded_usd::VARCHAR, ''),
    coalesce(tags::VARCHAR, ''),
    fingerprint
)), '-1');

-- What ids that row_id makes have in common whose rows are equal; any other id is its own.
CREATE OR REPLACE TEMP MACRO id_stem(call_id) AS
    CASE WHEN starts_with(call_id, 'row-') THEN left(call_id, 36) ELSE call_id END;

-- The wall clock of a zone at a moment of UTC.
CREATE OR REPLACE TEMP MACRO local_time(moment, zone) AS
    CASE WHEN zone = 'UTC' THEN moment ELSE timezone(zone, timezone('UTC', moment)) END;

-- The moment of UTC at which a day of a zone begins.
CREATE OR REPLACE TEMP MACRO day_begins(day, zone) AS
    timezone('UTC', timezone(zone, day::TIMESTAMP));

-- A half-open period of days of a zone, in moments of UTC; NULL is no limit.
CREATE OR REPLACE TEMP MACRO period_of(from_date, to_date, zone) AS TABLE
    SELECT
        day_begins(from_date, zone) AS begins_at,
        day_begins(to_date, zone) AS ends_at;

-- A moment that lies on the same day in a zone as in UTC, of the day that begins at a midnight of UTC.
CREATE OR REPLACE TEMP MACRO day_in(midnight, zone) AS
    greatest(midnight, timezone('UTC', timezone(zone, midnight)));

-- At which edge of its day a wall clock stands: within so many minutes after or before midnight.
CREATE OR REPLACE TEMP MACRO edge_of(moment, minutes) AS
    CASE
        WHEN 60 * hour(moment) + minute(moment) < minutes THEN 'first'
        WHEN 60 * hour(moment) + minute(moment) >= 1440 - minutes THEN 'last'
        ELSE ''
    END;

-- The value of a reporting dimension, '' where the call has none. $zone is an IANA zone.
CREATE OR REPLACE TEMP MACRO dimension(
    name, called_at, zone, served_model, requested_model, endpoint, tier, source_name, tags,
    workload, booking, source_sha256
) AS CASE
    WHEN name = '' THEN ''
    WHEN name = 'day' THEN coalesce(strftime(local_time(called_at, zone), '%Y-%m-%d'), '')
    WHEN name = 'month' THEN coalesce(strftime(local_time(called_at, zone), '%Y-%m'), '')
    WHEN name = 'model' THEN coalesce(served_model, requested_model, '')
    WHEN name = 'requested_model' THEN coalesce(requested_model, '')
    WHEN name = 'endpoint' THEN endpoint
    WHEN name = 'tier' THEN tier
    WHEN name = 'source' THEN source_name
    WHEN name = 'workload' THEN coalesce(workload, '')
    WHEN name = 'booking' THEN booking
    WHEN name = 'source_sha256' THEN source_sha256
    WHEN name LIKE 'midnight:%' THEN edge_of(local_time(called_at, zone), substr(name, 10)::INTEGER)
    WHEN name LIKE 'tag:%' THEN coalesce(tags[substr(name, 5)], '')
    ELSE coalesce(tags[name], '')
END;

-- Which step of a staircase an amount stands on: the number of edges below it (0 to 24).
-- $edges is a sorted list of 24 BIGINT, padded at the end with the greatest BIGINT. Written out, so that
-- most amounts are compared with the first edge alone: a third of the time of adding up comparisons.
CREATE OR REPLACE TEMP MACRO step(amount, edges) AS
    CASE
        WHEN amount <= edges[1] THEN 0
        WHEN amount <= edges[2] THEN 1
        WHEN amount <= edges[3] THEN 2
        WHEN amount <= edges[4] THEN 3
        WHEN amount <= edges[5] THEN 4
        WHEN amount <= edges[6] THEN 5
        WHEN amount <= edges[7] THEN 6
        WHEN amount <= edges[8] THEN 7
        WHEN amount <= edges[9] THEN 8
        WHEN amount <= edges[10] THEN 9
        WHEN amount <= edges[11] THEN 10
        WHEN amount <= edges[12] THEN 11
        WHEN amount <= edges[13] THEN 12
        WHEN amount <= edges[14] THEN 13
        WHEN amount <= edges[15] THEN 14
        WHEN amount <= edges[16] THEN 15
        WHEN amount <= edges[17] THEN 16
        WHEN amount <= edges[18] THEN 17
        WHEN amount <= edges[19] THEN 18
        WHEN amount <= edges[20] THEN 19
        WHEN amount <= edges[21] THEN 20
        WHEN amount <= edges[22] THEN 21
        WHEN amount <= edges[23] THEN 22
        WHEN amount <= edges[24] THEN 23
        ELSE 24
    END;

-- What can be said of the tokens of a call: counted, failed (and none), audio, uncounted.
CREATE OR REPLACE TEMP MACRO state_of(counted_by, failed, has_audio) AS CASE
    WHEN has_audio THEN 'audio'
    WHEN counted_by <> 'nobody' THEN 'counted'
    WHEN failed THEN 'failed'
    ELSE 'uncounted'
END;

-- Tokens of one request of a sum, on the average, rounded up; of a call its own.
CREATE OR REPLACE TEMP MACRO per_request(tokens, requests) AS
    CASE WHEN requests = 1 THEN tokens ELSE (tokens + requests - 1) // requests END;

-- A share of whole tokens, in parts of a million, rounded up to a whole token.
CREATE OR REPLACE TEMP MACRO share_up(tokens, ppm) AS
    CASE
        WHEN ppm = 1000000 THEN tokens
        ELSE ((tokens::HUGEINT * ppm + 999999) // 1000000)::BIGINT
    END;

-- Money: whole tokens times a rate in USD per token. Exact, and NULL where the rate is unknown
-- unless there is nothing to rate.
CREATE OR REPLACE TEMP MACRO token_cost(tokens, usd_per_token) AS
    CASE
        WHEN tokens = 0 THEN 0::DECIMAL(38, 12)
        ELSE tokens::DECIMAL(20, 0) * usd_per_token::DECIMAL(18, 12)
    END;

-- Money in whole units of 10^-18 USD, and back: for divisions, which DECIMAL would make a DOUBLE.
CREATE OR REPLACE TEMP MACRO units(usd) AS
    replace(usd::DECIMAL(38, 18)::VARCHAR, '.', '')::HUGEINT;
CREATE OR REPLACE TEMP MACRO usd_of(units) AS
    units::DECIMAL(38, 0) * 0.000000000000000001::DECIMAL(19, 18);

-- Actual cost, which is exact in units of 10^-12 USD, in such units, and back.
CREATE OR REPLACE TEMP MACRO picos(usd) AS
    replace(usd::DECIMAL(38, 12)::VARCHAR, '.', '')::HUGEINT;
CREATE OR REPLACE TEMP MACRO usd_of_picos(picos) AS
    picos::DECIMAL(38, 0)::DECIMAL(26, 0) * 0.000000000001::DECIMAL(12, 12);

-- Rates in USD per token as words: what 1,000 tokens cost, with no more digits than they have.
CREATE OR REPLACE TEMP MACRO per_1k(usd_per_token) AS
    rtrim(rtrim((usd_per_token * 1000)::DECIMAL(18, 9)::VARCHAR, '0'), '.');
CREATE OR REPLACE TEMP MACRO rates_in_words(
    input_usd, cache_read_usd, cache_write_usd, output_usd
) AS concat_ws(
    ', ',
    per_1k(input_usd) || ' sent',
    CASE WHEN cache_read_usd <> input_usd THEN per_1k(cache_read_usd) || ' read from a cache' END,
    CASE WHEN cache_write_usd <> input_usd THEN per_1k(cache_write_usd) || ' written to a cache' END,
    per_1k(output_usd) || ' answered'
);

-- Quotients of whole numbers of which the second is above 0: rounded up, down (both of a first number
-- of at least 0), or to the nearest, a half away from 0.
CREATE OR REPLACE TEMP MACRO up(whole, parts) AS (whole + parts - 1) // parts;
CREATE OR REPLACE TEMP MACRO down(whole, parts) AS whole // nullif(parts, 0);
CREATE OR REPLACE TEMP MACRO nearest(whole, parts) AS
    sign(whole) * ((abs(whole) * 2 + parts) // (nullif(parts, 0) * 2));
CREATE OR REPLACE TEMP MACRO millionths(count) AS
    (count::DECIMAL(38, 0) * 0.000001::DECIMAL(7, 6))::DECIMAL(38, 6);

-- FOCUS: a day's first moment in a zone as UTC, a number with its point, tags as a JSON object.
CREATE OR REPLACE TEMP MACRO focus_moment(day, zone) AS
    strftime(timezone('UTC', timezone(zone, day::TIMESTAMP)), '%Y-%m-%dT%H:%M:%SZ');
CREATE OR REPLACE TEMP MACRO focus_number(amount) AS
    regexp_replace(amount::VARCHAR, '(\.\d+?)0+$', '\1');
CREATE OR REPLACE TEMP MACRO focus_tags(team, api_key) AS
    json_merge_patch(
        '{}'::JSON, json_object('team', team, 'x_ApiKeyId', api_key)
    )::VARCHAR;
