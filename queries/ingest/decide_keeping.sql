-- Purpose: the first source decides whether the store keeps names as logged.
-- Grain:   one row
-- Writes:  keeping
-- Params:  $identities
UPDATE keeping
SET identities = $identities
WHERE identities IS NULL;
