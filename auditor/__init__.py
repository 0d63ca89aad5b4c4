"""audit: what your real LLM API traffic cost, and what it would have cost elsewhere."""

__version__ = "0.6.0"
