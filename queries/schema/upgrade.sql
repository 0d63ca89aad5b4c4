-- Purpose: mark a store of version 2 as one of version 3, once it has the tables of schema/closing.
-- Grain:   one row
-- Writes:  about
UPDATE about SET schema_version = 3;
