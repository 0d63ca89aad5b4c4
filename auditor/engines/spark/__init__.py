"""Apache Spark: sources are read by its tasks, calls scanned by them. See ``engine``."""
