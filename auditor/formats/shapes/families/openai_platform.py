"""OpenAI's objects around the calls: assistants, threads, files, models, batches, deletions.

Source: openai-openapi f85dbe22; 18 real thread messages. None of them is a call, except that a
``thread.run`` carries the usage of the model calls it made, once it has ended. Its steps repeat
that usage and are no call. A run read twice has the same id: a duplicate, not a second call.
"""

from __future__ import annotations

from collections.abc import Sequence

from auditor.formats.shapes.terms import (
    NOT_A_CALL,
    OTHER,
    Answer,
    Body,
    Family,
    body_at,
    describe,
    epoch,
    text_at,
    tier_of,
)
from auditor.records import Usage

_RUN = "thread.run"
_PREFIXES = (
    "assistant",
    "batch",
    "container",
    "conversation",
    "engine",
    "eval",
    "file",
    "fine-tune",
    "fine_tuning.",
    "model",
    "organization.",
    "page",
    "response.input_tokens",
    "thread",
    "upload",
    "vector_store",
)


def _claims(body: Body) -> bool:
    name = body.get("object")
    return isinstance(name, str) and (name.startswith(_PREFIXES) or name.endswith(".deleted"))


def _usage_in(body: Body) -> object:
    return body.get("usage") if body.get("object") == _RUN else None


def _answer(body: Body, usage: Usage | None) -> Answer:
    if usage is None:
        return Answer(kind=NOT_A_CALL, id=text_at(body, "id"))
    error = body_at(body, "last_error")
    status = text_at(body, "status")
    return Answer(
        kind=OTHER,
        id=text_at(body, "id"),
        created=epoch(body.get("created_at")),
        model=text_at(body, "model"),
        tier=tier_of(body.get("service_tier")),
        usage=usage,
        failure=describe(error) if error else None,
        finish_reasons=(status,) if status else (),
    )


def _streams(event: Body) -> bool:
    name = event.get("object")
    return isinstance(name, str) and name.startswith("thread")


def _join(events: Sequence[Body]) -> Body:
    """The run as it stood last."""
    runs = [event for event in events if event.get("object") == _RUN]
    return runs[-1] if runs else {"object": "thread"}


FAMILY = Family(claims=_claims, usage_in=_usage_in, answer=_answer, streams=_streams, join=_join)
