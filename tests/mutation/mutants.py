"""Small faults, one at a time: in SQL by the tokens of sqlglot, in Python by cosmic-ray.

No library mutates SQL files that pytest runs on Python 3.11 (pysqlmut 0.1 wants 3.12), so the
faults are our own; the tokens are sqlglot's. A mutant is the text of the file with one span
replaced, so that all else in it (comments, ``$params``, macros) stays as it is.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SWAPPED = {
    "=": "<>",
    "<>": "=",
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "+": "-",
    "//": "*",
    "and": "OR",
    "or": "AND",
    "true": "false",
    "false": "true",
    "min": "max",
    "max": "min",
    "sum": "max",
    "count": "sum",
    "greatest": "least",
    "least": "greatest",
    "bool_or": "bool_and",
    "desc": "ASC",
    "semi": "ANTI",
    "first": "LAST",
}
COLUMNS = (
    ("input_tokens", "cache_read_tokens", "cache_write_tokens"),
    ("cut_input_tokens", "cut_cache_read_tokens", "cut_cache_write_tokens"),
    ("output_tokens", "reasoning_tokens"),
    ("prompt_tokens", "produced_tokens"),
    ("input_usd", "cache_read_usd", "cache_write_usd", "output_usd"),
    ("card_prompt_usd", "card_output_usd"),
    ("window_step", "prompt_step"),
    ("moved_window_step", "moved_prompt_step"),
    ("begins_at", "ends_at"),
    ("from_date", "to_date"),
    ("windows", "thresholds"),
    ("kept", "output"),
    ("served_model", "requested_model"),
)
NEIGHBOUR = {
    name: group[(place + 1) % len(group)] for group in COLUMNS for place, name in enumerate(group)
}
CLAUSES = ("WHERE", "ON", "HAVING", "QUALIFY")
ENDS = (*CLAUSES, "JOIN", "LEFT", "SEMI", "CROSS", "GROUP BY", "ORDER BY", "UNION", "SELECT")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: ``text`` is the whole file with it, ``was`` and ``now`` what was changed."""

    file: str
    number: int
    line: int
    was: str
    now: str
    text: str


def of_sql(file: str, text: str) -> list[Mutant]:
    """The mutants of a query, in the order of the text."""
    from sqlglot.dialects.duckdb import DuckDB

    tokens = list(DuckDB().tokenize(text))
    changes = sorted({*_of_tokens(text, tokens), *_of_terms(tokens), *_of_calls(text, tokens)})
    return [
        Mutant(
            file,
            number,
            text.count("\n", 0, start) + 1,
            text[start:end],
            new,
            text[:start] + new + text[end:],
        )
        for number, (start, end, new) in enumerate(changes)
    ]


Change = tuple[int, int, str]


def _of_tokens(text: str, tokens: list[Any]) -> Iterator[Change]:
    """Operators, constants, kinds of joins and columns that are easily taken for one another."""
    for place, token in enumerate(tokens):
        kind = token.token_type.name
        before = tokens[place - 1] if place else None
        after = tokens[place + 1] if place + 1 < len(tokens) else None
        was = text[token.start : token.end + 1]
        word = was.lower()
        span = token.start, token.end + 1
        if before is None or after is None or before.token_type.name == "ALIAS":
            continue
        prior, next_ = before.token_type.name, after.token_type.name
        if word == "or" and prior == "CREATE":
            continue
        if word == "and" and _closes_between(tokens, place):
            continue
        if kind == "NOT":
            if next_ == "NULL":
                if prior == "IS":
                    yield *span, ""
            else:
                yield *span, ""
        elif kind == "IS" and next_ == "NULL":
            yield *span, "IS NOT"
        elif kind == "NUMBER" and not _is_type(tokens, place):
            yield (
                *span,
                f"({was} + 1)"
                if "." in was
                else str(int(was) - 1 if int(was) > 1e18 else int(was) + 1),
            )
        elif kind == "STRING" and prior != "INTERVAL":
            yield *span, "'0001-01-02'" if was == "'0001-01-01'" else f"'{was[1:-1]}?'"
        elif kind == "STAR" and _is_operand(before) and prior not in ("SELECT", "COMMA"):
            if next_ not in ("COMMA", "FROM", "R_PAREN") and before.text.upper() != "DISTINCT":
                yield *span, "+"
        elif kind == "DASH":
            yield *span, "+" if _is_operand(before) else ""
        elif kind == "LEFT" and next_ == "JOIN":
            yield *span, ""
        elif kind == "JOIN" and prior not in ("LEFT", "SEMI", "CROSS"):
            yield *span, "LEFT JOIN"
        elif kind == "UNION" and next_ == "ALL":
            yield token.start, after.end + 1, "UNION"
        elif kind == "DISTINCT":
            yield *span, ""
        elif word in ("count", "sum", "min", "max", "greatest", "least", "bool_or", "first"):
            if word == "first" and prior != "NULLS":
                continue
            starred = tokens[place + 2].token_type.name == "STAR"
            if (next_ == "L_PAREN" and not (word == "count" and starred)) or word == "first":
                yield *span, SWAPPED[word]
        elif kind in ("VAR", "WINDOW") and word in NEIGHBOUR:
            yield *span, NEIGHBOUR[word]
        elif word in SWAPPED:
            yield *span, SWAPPED[word]


def _of_terms(tokens: list[Any]) -> Iterator[Change]:
    """Terms of conditions that are left out, and branches of CASE that are never taken."""
    for place, token in enumerate(tokens):
        word = token.text.upper()
        if word in CLAUSES or (word == "FILTER" and tokens[place + 1].text == "("):
            start = place + (2 if word == "FILTER" else 1)
            end = _end_of(tokens, start)
            parts = [start, *(n + 1 for n in _at_depth(tokens, start, end, "AND"))]
            for first, last in zip(parts, [*(n - 1 for n in parts[1:]), end], strict=True):
                if first < last:
                    yield tokens[first].start, tokens[last - 1].end + 1, "true"
        elif word == "WHEN" and tokens[place + 1].text.upper() not in ("MATCHED", "NOT MATCHED"):
            then = next(_at_depth(tokens, place + 1, len(tokens), "THEN"))
            if not _is_simple_case(tokens, place):
                yield tokens[place + 1].start, tokens[then - 1].end + 1, "false"
        elif word == "ELSE":
            end = next(_at_depth(tokens, place + 1, len(tokens), "END"))
            yield tokens[place + 1].start, tokens[end - 1].end + 1, "NULL"


def _of_calls(text: str, tokens: list[Any]) -> Iterator[Change]:
    """coalesce and nullif without their second argument."""
    for place, token in enumerate(tokens):
        if token.text.lower() in ("coalesce", "nullif") and tokens[place + 1].text == "(":
            end = _end_of(tokens, place + 2)
            for comma in _at_depth(tokens, place + 2, end, ","):
                if token.text.lower() == "nullif":
                    inner = text[tokens[place + 2].start : tokens[comma - 1].end + 1]
                    yield token.start, tokens[end].end + 1, inner
                else:
                    yield tokens[comma].start, tokens[end - 1].end + 1, ""
                break


def _at_depth(tokens: list[Any], start: int, end: int, word: str) -> Iterator[int]:
    """The places of a word that is in no parenthesis and no CASE of its own."""
    depth = 0
    for place in range(start, end):
        text = tokens[place].text.upper()
        if depth == 0 and text == word and not (word == "AND" and _closes_between(tokens, place)):
            yield place
        if text in ("(", "[", "{", "CASE"):
            depth += 1
        elif text in (")", "]", "}", "END"):
            depth -= 1


def _end_of(tokens: list[Any], start: int) -> int:
    """Where a clause or a list of arguments that begins there is over."""
    depth = 0
    for place in range(start, len(tokens)):
        text = tokens[place].text.upper()
        if depth == 0 and (text in (")", ";") or text in ENDS):
            return place
        if text in ("(", "[", "{", "CASE"):
            depth += 1
        elif text in (")", "]", "}", "END"):
            depth -= 1
    return len(tokens)


def _closes_between(tokens: list[Any], place: int) -> bool:
    return any(token.text.upper() == "BETWEEN" for token in tokens[max(place - 3, 0) : place])


def _is_type(tokens: list[Any], place: int) -> bool:
    """Whether a number is one of ``DECIMAL(38, 18)``."""
    return any(
        token.token_type.name == "DECIMAL" for token in tokens[max(place - 4, 0) : place]
    ) and ")" not in (token.text for token in tokens[max(place - 3, 0) : place])


def _is_operand(token: Any) -> bool:
    return token.token_type.name in ("VAR", "R_PAREN", "NUMBER", "R_BRACKET", "STRING", "END")


def _is_simple_case(tokens: list[Any], place: int) -> bool:
    """Whether the WHEN is one of ``CASE value WHEN …``, whose place a condition cannot take."""
    depth = 0
    for n in range(place - 1, -1, -1):
        text = tokens[n].text.upper()
        if text == "END":
            depth += 1
        elif text == "CASE":
            if depth == 0:
                return bool(tokens[n + 1].text.upper() != "WHEN")
            depth -= 1
    return False


OPERATORS = (
    "Add_Sub", "Sub_Add", "Mul_Div", "FloorDiv_Mul", "Mod_Add", "BitOr_BitAnd", "BitAnd_BitOr",
    "Eq_NotEq", "NotEq_Eq", "Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Is_IsNot", "IsNot_Is",
)  # fmt: skip
OTHERS = (
    "AddNot", "ReplaceUnaryOperator_Delete_USub", "ReplaceUnaryOperator_Delete_Not",
    "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "NumberReplacer",
    "ZeroIterationForLoop",
)  # fmt: skip


def of_python(file: str, text: str) -> list[Mutant]:
    """The mutants that cosmic-ray makes of a module: one for each place and operator."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    wanted = {f"core/{name}" for name in OTHERS} | {
        f"core/Replace{kind}Operator_{pair}"
        for pair in OPERATORS
        for kind in ("Binary", "Comparison")
    }
    found: dict[str, None] = {}
    for name in sorted(wanted & set(operator_names())):
        for occurrence in range(10_000):
            mutated = mutate_code(text, get_operator(name)(), occurrence)
            if mutated is None:
                break
            found[mutated] = None
    before = text.splitlines()
    mutants = []
    for mutated in found:
        pairs = zip(before, mutated.splitlines(), strict=False)
        line, (was, now) = next(
            ((n, pair) for n, pair in enumerate(pairs, 1) if pair[0] != pair[1]), (0, ("", ""))
        )
        if line and _is_other(text, mutated) and not was.strip().startswith("@"):
            mutants.append((line, was.strip(), now.strip(), mutated))
    mutants.sort(key=lambda one: one[:3])
    return [Mutant(file, n, *one) for n, one in enumerate(mutants)]


def _is_other(text: str, mutated: str) -> bool:
    """Whether a mutant is Python at all, and more of it is changed than annotations.

    Nobody evaluates these here.
    """
    try:
        return _without_annotations(text) != _without_annotations(mutated)
    except SyntaxError:
        return False


def _without_annotations(text: str) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef):
            node.returns = None
    return ast.dump(tree)
