-- Purpose: one thread: where a machine works on many shares at once each share has one.
-- Reads:   nothing
SET threads = 1;
