"""Fine-tuning: what training costs and when it pays back, and the training set itself."""

from auditor.finetune.checks import (
    ChatFormat,
    FileFault,
    chat_errors,
    chat_format,
    completion_errors,
    count_errors,
    file_faults,
)
from auditor.finetune.examples import (
    CHAT_SENTENCE,
    Example,
    Markers,
    Material,
    Split,
    choose_markers,
    deduplicated,
    encode_line,
    left_out,
    order,
    render_chat,
    render_completion,
    split,
)
from auditor.finetune.redaction import redact_all, redact_text
from auditor.finetune.shorten import SharedPrefix, shorten, shorten_all

__all__ = [
    "CHAT_SENTENCE",
    "ChatFormat",
    "Example",
    "FileFault",
    "Markers",
    "Material",
    "SharedPrefix",
    "Split",
    "chat_errors",
    "chat_format",
    "choose_markers",
    "completion_errors",
    "count_errors",
    "deduplicated",
    "encode_line",
    "file_faults",
    "left_out",
    "order",
    "redact_all",
    "redact_text",
    "render_chat",
    "render_completion",
    "shorten",
    "shorten_all",
    "split",
]
