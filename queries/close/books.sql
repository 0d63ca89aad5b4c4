-- Purpose: the files of the price book that a month was closed with.
-- Grain:   file
-- Reads:   closed_books
-- Params:  $month
SELECT place, name, sha256, content
FROM closed_books
WHERE month = $month
ORDER BY place;
