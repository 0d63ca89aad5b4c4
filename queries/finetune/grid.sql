-- Purpose: what a workload would cost fine-tuned when less of the prompt is sent, or answers differ.
-- Grain:   output ratio × share of the prompt that is kept
-- Reads:   stand (prompt_usd, output_usd, against_usd: one row), kept_shares (kept), ratios (output)
--
-- The cost is linear in both. On the flip line it equals against_usd: its share kept is the fraction
-- flip_over / flip_under, exactly (flip_kept is that to six decimals); where that is below 0 no cut is deep enough, above 1 none is
-- needed.
SELECT
    output,
    kept,
    prompt_usd * kept + output_usd * output AS replayed_usd,
    against_usd - (prompt_usd * kept + output_usd * output) AS saving_usd,
    units(against_usd) - units(output_usd * output) AS flip_over,
    units(prompt_usd) AS flip_under,
    CASE WHEN prompt_usd > 0 THEN
        millionths(nearest((units(against_usd) - units(output_usd * output)) * 1000000, units(prompt_usd)))
    END AS flip_kept
FROM stand, kept_shares, ratios
ORDER BY output, kept DESC;
