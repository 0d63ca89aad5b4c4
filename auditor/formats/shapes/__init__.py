"""Request and response bodies of the providers, read into our terms.

``read_usage`` reads a usage object, ``read_response`` a response body, ``read_request`` a request
body, ``read_stream`` a recorded stream. All take decoded JSON (the last: raw text), touch neither
clock nor disk, and raise nothing but ``BadUsageError``. A new provider is one module in
``families``.
"""

from __future__ import annotations

from auditor.formats.shapes.bodies import read_response
from auditor.formats.shapes.requests import read_request
from auditor.formats.shapes.streams import read_events, read_stream
from auditor.formats.shapes.terms import Answer, Asked
from auditor.formats.shapes.usage import read_usage

__all__ = [
    "Answer",
    "Asked",
    "read_events",
    "read_request",
    "read_response",
    "read_stream",
    "read_usage",
]
