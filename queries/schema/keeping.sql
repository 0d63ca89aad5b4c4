-- Purpose: the tables of what is kept of persons and of refused lines, new in version 5 of the store.
-- Grain:   keeping: one row; fingerprints: one refused record
-- Writes:  keeping, fingerprints
-- Params:  $identities (whether an older audit has filled the store: it kept the names)

CREATE TABLE keeping (
    identities BOOLEAN                  -- names as logged; NULL: the first source decides
);
INSERT INTO keeping VALUES ($identities);

CREATE TABLE fingerprints (
    source_id INTEGER NOT NULL,
    line BIGINT NOT NULL,
    fingerprint VARCHAR NOT NULL        -- keyed hash of all that was refused
);
