"""The order of the steps: ingest, replay, explain, fine-tune."""

from auditor.pipeline.digests import Digests
from auditor.pipeline.explain import Explanation, explain
from auditor.pipeline.ingest import ingest
from auditor.pipeline.ingested import Ingested
from auditor.pipeline.prompts import pairs_of
from auditor.pipeline.readers import cores
from auditor.pipeline.replay import MAX_DIMENSIONS, Question, Replay, check_stored, replay

__all__ = [
    "MAX_DIMENSIONS",
    "Digests",
    "Explanation",
    "Ingested",
    "Question",
    "Replay",
    "check_stored",
    "cores",
    "explain",
    "ingest",
    "pairs_of",
    "replay",
]
