-- Purpose: mark a store of an older version, once it has the tables that were added since.
-- Grain:   one row
-- Writes:  about
-- Params:  $version
UPDATE about SET schema_version = $version;
