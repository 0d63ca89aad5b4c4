"""What the room raises for a single call; errors of the whole run are TokenizerError."""

from __future__ import annotations


class UncountableError(ValueError):
    """The tokens of a call cannot be known from its text; ``str()`` is the reason."""
