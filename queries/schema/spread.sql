-- Purpose: the tables of a store whose calls lie in files of their own, new in version 6 of the store.
-- Grain:   spread: one row in such a store, else none; spread_files: one Parquet file
-- Writes:  spread, spread_files
--
-- The calls of such a store (and its rejects) are in files that an engine of many machines writes, a few
-- for each bucket; a call is in the bucket that its id says. The tables calls, rejects and fingerprints
-- are empty, and stand aside for views of the same names (see store/spread).

CREATE TABLE spread (
    buckets INTEGER NOT NULL,           -- how many there are, for good
    folder VARCHAR NOT NULL,            -- where the files lie, seen from the folder of the store
    mark VARCHAR NOT NULL               -- what tells its files from those of other stores
);

CREATE TABLE spread_files (
    kind VARCHAR NOT NULL,              -- calls, rejects
    bucket INTEGER NOT NULL,
    file VARCHAR NOT NULL,              -- its name in the folder
    rows BIGINT NOT NULL
);
