-- Purpose: what was billed on the day before or after the one it was logged on.
-- Grain:   as compared
-- Reads:   compared, spans
-- Writes:  moved
--
-- Across each boundary between two spans calls may be billed on the other side: at most what the
-- calls cost that were logged within the edge of that boundary, those of the earlier span forwards,
-- those of the later one backwards. Of all such flows those are taken that leave the least open, in
-- all spans together. With the residuals added up span by span (so_far_usd) a flow moves that sum at
-- its boundary within its limits (lowest_usd, highest_usd), and what is open in a span is how far the
-- moved sum goes on from the boundary before: it goes as little as it must, which is the shortest way
-- through. At the ends of the invoice, and beside a span that it lacks, the neighbour is not known,
-- and only the calls at the edge are the limit.

CREATE OR REPLACE TEMP TABLE moved AS
WITH RECURSIVE
    adjoining AS (
        SELECT
            compared.*,
            begins,
            ends,
            lag(ends) OVER (PARTITION BY item ORDER BY begins) IS DISTINCT FROM begins AS is_first
        FROM compared
        JOIN spans USING (span)
    ),
    together AS (
        SELECT *, count(*) FILTER (is_first) OVER (PARTITION BY item ORDER BY begins) AS island
        FROM adjoining
    ),
    placed AS (
        SELECT
            span,
            item,
            island,
            row_number() OVER (PARTITION BY item, island ORDER BY begins) AS place,
            rest_usd,
            first_usd,
            before_usd,
            (sum(rest_usd) OVER (PARTITION BY item, island ORDER BY begins))::DECIMAL(38, 24)
                AS so_far_usd,
            last_usd,
            coalesce(
                lead(first_usd) OVER (PARTITION BY item, island ORDER BY begins), after_usd
            )::DECIMAL(38, 24) AS first_after_usd
        FROM together
    ),
    limited AS (
        SELECT
            *,
            (so_far_usd - first_after_usd)::DECIMAL(38, 24) AS lowest_usd,
            (so_far_usd + last_usd)::DECIMAL(38, 24) AS highest_usd
        FROM placed
    ),
    begun AS (
        SELECT
            *,
            least(greatest(least(greatest(0, lowest_usd), highest_usd), -first_usd), before_usd)
                ::DECIMAL(38, 24) AS sum_before_usd
        FROM limited
        WHERE place = 1
    ),
    walked AS (
        SELECT
            span, item, island, place, rest_usd, sum_before_usd,
            least(greatest(sum_before_usd, lowest_usd), highest_usd)::DECIMAL(38, 24)
                AS moved_sum_usd
        FROM begun
        UNION ALL
        SELECT
            limited.span, limited.item, limited.island, limited.place, limited.rest_usd,
            walked.moved_sum_usd AS sum_before_usd,
            least(greatest(walked.moved_sum_usd, lowest_usd), highest_usd)::DECIMAL(38, 24)
                AS moved_sum_usd
        FROM walked
        JOIN limited
            ON limited.item = walked.item
            AND limited.island = walked.island
            AND limited.place = walked.place + 1
    )
SELECT
    span,
    item,
    (rest_usd - (moved_sum_usd - sum_before_usd))::DECIMAL(38, 24) AS day_boundary_usd
FROM walked;
