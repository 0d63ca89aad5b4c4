"""The order of the steps: ingest, replay, explain."""

from auditor.pipeline.explain import explain
from auditor.pipeline.ingest import Ingested, ingest
from auditor.pipeline.replay import Question, Replay, replay

__all__ = ["Ingested", "Question", "Replay", "explain", "ingest", "replay"]
