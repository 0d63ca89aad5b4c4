-- Purpose: prompt cut against answer length: where fine-tuning all calls turns cheaper
-- Grain:   share of the prompts still sent × length of answers
-- Reads:   grid
-- Columns:
--     workload             what the grid is of: all, or the only workload
--     prompt_kept          share of each prompt that is still sent
--     output_ratio         length of the answers against logged ones
--     replayed_usd         what the calls cost on the tuned model
--     saving_usd           what they cost now, less that; before the cost of training
--     flip_kept            the share below which it is cheaper, at this length of answers
SELECT workload, prompt_kept, output_ratio, replayed_usd, saving_usd, flip_kept
FROM grid
ORDER BY prompt_kept DESC, output_ratio;
