"""OpenAI's rules of fine-tuning: examples, epochs, limits, and the days on which it was possible.

Sources: OpenAI's fine-tuning guide of August 2023 and cookbook (epochs, at least 10 examples, all
tokens of an example are billed, up to a limit); ``rules.csv`` for limits and days, row by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from auditor.prices.table import Record, read_table

FEWEST_EXAMPLES = 10
DEFAULT_EXAMPLES = 100
TARGET_EPOCHS = 3
TARGET_LOW, TARGET_HIGH = 100, 25_000
MOST_DEFAULT_EPOCHS = 25
CHAT_FRAME = 1
COMPLETION_FRAME = 3
NO_NEW_ORGANISATIONS = date(2026, 5, 7)

COLUMNS = (
    "model",
    "trained_from",
    "trained_to",
    "served_to",
    "example_limit_tokens",
    "source",
    "confidence",
    "note",
)


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for training one model. Days: from included, to excluded.

    ``example_limit_tokens``: what is longer is cut at its end, and billed up to there.
    """

    model: str
    trained_from: date
    trained_to: date
    served_to: date
    example_limit_tokens: int
    source: str
    confidence: str
    note: str


def default_epochs(examples: int) -> int:
    """How often OpenAI trains on ``examples`` unless told otherwise.

    Three times; more where there are few (25 at most), fewer where there are very many. Source:
    OpenAI cookbook, "Data preparation and analysis for chat model fine-tuning".
    """
    if examples < 1:
        return 0
    if examples * TARGET_EPOCHS < TARGET_LOW:
        return min(MOST_DEFAULT_EPOCHS, TARGET_LOW // examples)
    if examples * TARGET_EPOCHS > TARGET_HIGH:
        return max(1, TARGET_HIGH // examples)
    return TARGET_EPOCHS


def frame_of(model: str) -> int:
    """Tokens that a training example has beyond the prompt and the answer as they were billed.

    Chat: the answer becomes a message, whose role is one more token (its frame of three is what
    opens the answer in the billed prompt). Completions (babbage-002, davinci-002): the separator
    ``\\n\\n###\\n\\n`` of two tokens and a stop sequence of one.
    """
    return COMPLETION_FRAME if is_completion_model(model) else CHAT_FRAME


def is_completion_model(model: str) -> bool:
    """Whether a fine-tuned model is trained on prompts and completions, not on messages."""
    return model.removeprefix("ft:") in ("babbage-002", "davinci-002")


@cache
def rules() -> tuple[Rule, ...]:
    """All rules that we know."""
    table = read_table(files("auditor.finetune") / "rules.csv", COLUMNS)
    return tuple(_rule(record) for record in table.records)


def rule_for(model: str) -> Rule | None:
    """The rule of a model as the price book calls it, None where nothing is known."""
    return next((rule for rule in rules() if rule.model == model), None)


def past_of(rule: Rule, today: date) -> str | None:
    """Why advice to train this model cannot be followed on that day; None where it can."""
    if today >= rule.served_to:
        return f"{rule.model} was shut down on {rule.served_to}: the verdicts are history"
    if today >= rule.trained_to:
        return f"{rule.model} cannot be trained since {rule.trained_to}: the verdicts are history"
    if today >= NO_NEW_ORGANISATIONS:
        return (
            f"since {NO_NEW_ORGANISATIONS} OpenAI takes no new organisations for fine-tuning, and "
            f"{rule.model} is to be shut down on {rule.served_to}"
        )
    return None


def _rule(record: Record) -> Rule:
    def day(column: str) -> date:
        value = record.date(column)
        if value is None:
            raise record.error(f"{column} is blank", hint="Give the day.")
        return value

    limit = record.positive("example_limit_tokens")
    if limit is None:
        raise record.error("example_limit_tokens is blank", hint="Give the limit in tokens.")
    return Rule(
        model=record.required("model"),
        trained_from=day("trained_from"),
        trained_to=day("trained_to"),
        served_to=day("served_to"),
        example_limit_tokens=limit,
        source=record.text("source"),
        confidence=record.text("confidence"),
        note=record.text("note"),
    )
