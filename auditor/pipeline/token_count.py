"""Our token count beside the provider's, over calls whose log has both usage and text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from auditor.formats import Format, recognise
from auditor.pipeline.counting import Gauge
from auditor.records import Call, Reject, Text
from auditor.sources import LogFile

Kind = tuple[str, str, str]
"""Format, model, meter (``input`` or ``output``)."""

METERS = ("input", "output")
FUNCTIONS, IMAGES, SEVERAL, CUT_OFF, OTHER = (
    "functions",
    "images or files",
    "several answers",
    "cut off",
    "no reason known: rewritten text, or another framing",
)


@dataclass(slots=True)
class Difference:
    """Ours minus the provider's, of one kind. ``largest`` is the one farthest from 0, with sign.

    ``reasons`` counts the calls that differ by what in them is known to make counts differ.
    """

    calls: int = 0
    exact: int = 0
    ours: int = 0
    theirs: int = 0
    absolute: int = 0
    largest: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def add(self, ours: int, theirs: int, reason: str) -> None:
        """Take one call in."""
        off = ours - theirs
        self.calls += 1
        self.exact += off == 0
        self.ours += ours
        self.theirs += theirs
        self.absolute += abs(off)
        # of two that are equally far the greater, so that the order of calls decides nothing
        self.largest = max(self.largest, off, key=lambda value: (abs(value), value))
        if off:
            self.reasons[reason] = self.reasons.get(reason, 0) + 1


@dataclass(slots=True)
class TokenCount:
    """``differences`` by kind; ``left_out`` counts the calls that were not compared, by why."""

    differences: dict[Kind, Difference] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    files: int = 0
    rejects: int = 0

    def skip(self, why: str) -> None:
        """Count a call that cannot be compared."""
        self.left_out[why] = self.left_out.get(why, 0) + 1


def count_tokens(
    files: Iterable[LogFile],
    formats: Iterable[Format],
    gauge: Gauge,
    *,
    chosen: Format | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> TokenCount:
    """Read files and count again what the provider counted; nothing is stored.

    A call whose id was seen is left out. Raises SourceError as ``ingest`` does.
    """
    known = tuple(formats)
    done = TokenCount()
    seen: set[str] = set()
    for file in (part for whole in files for part in whole.parts()):
        format = chosen or recognise(file, known)
        done.files += 1
        with file.open(on_bytes) as stream:
            for reading in format.read(file, stream):
                if isinstance(reading, Reject):
                    done.rejects += reading.lines
                elif isinstance(reading, Call):
                    _compare(done, reading, format.name, gauge, seen)
    return done


def _compare(done: TokenCount, call: Call, format: str, gauge: Gauge, seen: set[str]) -> None:
    if call.id is not None:
        if call.id in seen:
            return done.skip("seen before")
        seen.add(call.id)
    if call.usage is None or (call.kept is not None and call.kept.counted_by != "provider"):
        return done.skip("no usage of the provider")
    if call.text is None:
        return done.skip("no text in the log")
    if not call.text.outputs and call.endpoint != "embedding":
        return done.skip("the log does not hold the answer")
    try:
        counted, problem = gauge.recount(call)
    except RecursionError:
        counted, problem = None, "nested too deep"
    if counted is None:
        return done.skip(problem or "its text cannot be counted")
    model = call.served_model or call.requested_model or ""
    reasons = _input_reason(call.text), _output_reason(call)
    ours = counted.prompt_tokens, counted.produced_tokens
    theirs = call.usage.prompt_tokens, call.usage.produced_tokens
    for place, meter in enumerate(METERS):
        if meter == "output" and call.endpoint == "embedding":
            continue
        kind = (format, model, meter)
        difference = done.differences.setdefault(kind, Difference())
        difference.add(ours[place], theirs[place], reasons[place])
    return None


def _input_reason(text: Text) -> str:
    if any(_has_other_parts(message) for message in text.messages):
        return IMAGES
    declared = any(text.extras.get(name) for name in ("functions", "tools", "response_format"))
    return FUNCTIONS if declared or any(map(_calls, text.messages)) else OTHER


def _output_reason(call: Call) -> str:
    outputs = call.text.outputs if call.text else ()
    if any(map(_calls, outputs)):
        return FUNCTIONS
    if len(outputs) > 1:
        return SEVERAL
    return CUT_OFF if call.cut_off else OTHER


def _calls(message: dict[str, object]) -> bool:
    return bool(message.get("tool_calls") or message.get("function_call"))


def _has_other_parts(message: dict[str, object]) -> bool:
    content = message.get("content")
    parts = content if isinstance(content, list) else ()
    return any(
        isinstance(part, dict) and part.get("type", "text") not in ("text", "input_text")
        for part in parts
    )
