"""Benchmarks on data that they make themselves: ``python -m benchmarks``."""
