"""The order of the steps: ingest, replay, explain."""

from auditor.pipeline.explain import Explanation, explain
from auditor.pipeline.ingest import Ingested, ingest
from auditor.pipeline.replay import MAX_DIMENSIONS, Question, Replay, replay

__all__ = [
    "MAX_DIMENSIONS",
    "Explanation",
    "Ingested",
    "Question",
    "Replay",
    "explain",
    "ingest",
    "replay",
]
