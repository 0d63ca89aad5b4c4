"""Counts tokens offline. The only room that knows a tokenizer."""

from auditor.tokens.chat import count_chat_input, count_message, count_output
from auditor.tokens.counting import CountText, TextCounter, count_prompts, count_text, encode_text
from auditor.tokens.cutting import split_at_token
from auditor.tokens.errors import UncountableError
from auditor.tokens.models import encoding_for
from auditor.tokens.usage import estimate_usage, fill_usage

__all__ = [
    "CountText",
    "TextCounter",
    "UncountableError",
    "count_chat_input",
    "count_message",
    "count_output",
    "count_prompts",
    "count_text",
    "encode_text",
    "encoding_for",
    "estimate_usage",
    "fill_usage",
    "split_at_token",
]
