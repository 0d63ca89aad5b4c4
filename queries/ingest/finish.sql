-- Purpose: book the source itself.
-- Grain:   one row a source, one row a reject
-- Reads:   refused
-- Writes:  sources, rejects, fingerprints
-- Params:  $source_id, $sha256, $name, $format, $bytes, $lines, $records, $rejects, $context

INSERT INTO rejects BY NAME
SELECT $source_id::INTEGER AS source_id, line, lines, reason, head
FROM refused;

INSERT INTO fingerprints BY NAME
SELECT $source_id::INTEGER AS source_id, line, fingerprint
FROM refused;

INSERT INTO sources BY NAME
SELECT
    $source_id::INTEGER AS source_id,
    $sha256 AS sha256,
    $name AS name,
    $format AS format,
    $bytes::BIGINT AS bytes,
    $lines::BIGINT AS lines,
    $records::BIGINT AS records,
    $rejects::BIGINT AS rejects,
    $context::BIGINT AS context;
