"""The functions of a request as the model sees them: TypeScript declarations in its prompt.

OpenAI does not publish the form. Its rules were inferred in 2023 from reported counts
(hmarr/openai-chat-tokens) and checked on recorded calls up to 2026. This is our own rendering of
those rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from auditor.tokens.errors import UncountableError

_PRIMITIVES = {
    "string": "string",
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "null": "null",
}
_DEEPEST_INDENT = 128


def render_functions(functions: Iterable[dict[str, Any]], *, inline_parameters: bool) -> str:
    """The declarations of ``functions`` (dicts with name, description, parameters).

    With ``inline_parameters`` a function none of whose parameters has a description is written on
    one line. Raises UncountableError when a schema is nested more than 64 levels deep.
    """
    lines = ["namespace functions {", ""]
    for function in functions:
        if description := function.get("description"):
            lines.append(f"// {description}")
        declared = _declare(function.get("parameters"), inline_parameters)
        lines += [f"type {function.get('name')} = ({declared}) => any;", ""]
    lines.append("} // namespace functions")
    return "\n".join(lines)


def _declare(schema: Any, inline: bool) -> str:
    if not _properties(schema):
        return ""
    if inline and not any(_description(part) for part in _properties(schema).values()):
        return f"_: {{ {', '.join(_fields(schema, 0))} }}"
    return f"_: {_object_type(schema, 0)}"


def _object_type(schema: dict[str, Any], indent: int) -> str:
    """An object type whose fields, at ``indent`` spaces, stand on a line each.

    Only the outermost fields keep their descriptions.
    """
    if indent > _DEEPEST_INDENT:
        raise UncountableError("a function whose schema is nested too deeply")
    margin = " " * indent
    lines = ["{"]
    descriptions = map(_description, _properties(schema).values())
    for field, description in zip(_fields(schema, indent), descriptions, strict=True):
        if description and indent == 0:
            lines.append(f"// {description}")
        lines.append(f"{margin}{field},")
    closing = " " * max(indent - 2, 0)
    return "\n".join([*lines, closing + "}"])


def _fields(schema: dict[str, Any], indent: int) -> list[str]:
    required = schema.get("required")
    required = required if isinstance(required, list) else []
    return [
        f"{name}{'' if name in required else '?'}: {_type(part, indent)}"
        for name, part in _properties(schema).items()
    ]


def _type(schema: Any, indent: int) -> str:
    if not isinstance(schema, dict):
        return "any"
    choices = schema.get("enum")
    if isinstance(choices, list):
        return " | ".join(json.dumps(choice, ensure_ascii=False) for choice in choices)
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(_type(schema | {"type": one}, indent) for one in kind)
    if kind == "array":
        return f"{_type(schema.get('items'), indent)}[]"
    if kind == "object":
        return _object_type(schema, indent + 2) if _properties(schema) else "object"
    return _PRIMITIVES.get(kind, "any") if isinstance(kind, str) else "any"


def _properties(schema: Any) -> dict[str, Any]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return properties if isinstance(properties, dict) else {}


def _description(schema: Any) -> Any:
    return schema.get("description") if isinstance(schema, dict) else None
