-- Purpose: the table of the calls that are no calls but sums, new in version 4 of the store.
-- Grain:   buckets: one row a call that a provider's export added up of many
-- Writes:  buckets

CREATE TABLE buckets (
    call_id VARCHAR NOT NULL,
    requests BIGINT NOT NULL,           -- how many it is the sum of, 1 or more
    ends_at TIMESTAMP NOT NULL,         -- it begins at called_at of the call
    kind VARCHAR NOT NULL,              -- what is summed
    grouped_by VARCHAR NOT NULL         -- names that tell buckets of one time apart, by comma
);
