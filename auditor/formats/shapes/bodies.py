"""One provider response body to an Answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditor.formats.shapes.families import FAMILIES
from auditor.formats.shapes.terms import (
    ERROR,
    OTHER,
    Answer,
    Body,
    Family,
    describe,
    epoch,
    failure_of,
    text_at,
    tier_of,
)
from auditor.formats.shapes.usage import read_usage
from auditor.formats.words import shown
from auditor.records import BadUsageError, Usage

_BY_OBJECT = {name: family for family in FAMILIES for name in family.objects}
_ERROR_KEYS = frozenset(
    {"id", "message", "Message", "code", "type", "__type", "status", "detail", "request_id"}
)


def read_response(body: Mapping[str, Any]) -> Answer:
    """What a response body says, whatever the HTTP status beside it.

    An error object with status 200 is an error; an error beside an answer is the ``failure`` of
    that answer. A body of no known shape is ``other``, with its usage if it has one.
    Raises BadUsageError if its usage contradicts itself (see ``read_usage``), nothing else.
    """
    family = _family_of(body)
    if family is None or family.answer is None:
        return _unknown(body)
    usage = family.usage_in(body)
    return family.answer(body, _read(usage, body))


def _family_of(body: Body) -> Family | None:
    name = body.get("object")
    if isinstance(name, str) and name in _BY_OBJECT:
        return _BY_OBJECT[name]
    return next((family for family in FAMILIES if family.claims(body)), None)


def _read(usage: object, body: Body) -> Usage | None:
    if usage is None:
        return None
    if not isinstance(usage, Mapping):
        raise BadUsageError(f"usage is {shown(usage)}, not an object")
    model = text_at(body, "model") or text_at(body, "modelVersion")
    return read_usage(usage, model=model)


def _unknown(body: Body) -> Answer:
    found = (body.get(key) for key in ("usage", "usageMetadata", "meta"))
    usage = next((value for value in found if isinstance(value, Mapping)), None)
    failure = failure_of(body) or _bare_error(body)
    return Answer(
        kind=ERROR if failure else OTHER,
        id=text_at(body, "id"),
        created=epoch(body.get("created") or body.get("created_at")),
        model=text_at(body, "model") or text_at(body, "modelVersion"),
        tier=tier_of(body.get("service_tier")),
        usage=_read(usage, body),
        failure=failure,
    )


def _bare_error(body: Body) -> str | None:
    """AWS, Cohere and FastAPI send nothing but a message, without the word error."""
    if not body.keys() <= _ERROR_KEYS:
        return None
    if text_at(body, "message") or text_at(body, "Message"):
        return describe(body)
    detail = body.get("detail")
    return describe({"message": detail}) if detail else None
