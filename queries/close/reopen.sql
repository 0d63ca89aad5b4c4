-- Purpose: open a closed month again: it is reckoned as any other then.
-- Grain:   month
-- Writes:  closings, closed_books, replaced
-- Params:  $month
DELETE FROM replaced
USING closings
WHERE closings.month = $month
  AND replaced.called_at >= closings.begins_at
  AND replaced.called_at < closings.ends_at;

DELETE FROM closed_books
WHERE month = $month;

DELETE FROM closings
WHERE month = $month;
