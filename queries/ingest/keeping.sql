-- Purpose: whether the store keeps names as logged; NULL: nobody has decided yet.
-- Grain:   one row
-- Reads:   keeping
SELECT identities
FROM keeping;
