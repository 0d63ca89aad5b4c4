-- Purpose: keep one file of the price book that a month is closed with.
-- Grain:   file
-- Writes:  closed_books
-- Params:  $month, $place, $name, $sha256, $content
INSERT INTO closed_books BY NAME
SELECT
    $month::DATE AS month,
    $place::INTEGER AS place,
    $name AS name,
    $sha256 AS sha256,
    $content::BLOB AS content;
