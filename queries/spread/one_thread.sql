-- Purpose: one thread: on a machine that works on many shares at once each has its own.
SET threads = 1;
