-- Purpose: a store of an older version that is only read: it kept names, and first bytes of lines.
-- Grain:   as the tables of schema/keeping
-- Writes:  keeping, fingerprints (temporary views)
CREATE OR REPLACE TEMP VIEW keeping AS
SELECT true AS identities;

CREATE OR REPLACE TEMP VIEW fingerprints AS
SELECT NULL::INTEGER AS source_id, NULL::BIGINT AS line, NULL::VARCHAR AS fingerprint
WHERE false;
