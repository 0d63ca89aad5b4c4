"""Fine-tuning: the provider's rules and the training set. Its money is in queries/finetune."""

from auditor.finetune.rules import (
    DEFAULT_EXAMPLES,
    FEWEST_EXAMPLES,
    MOST_EPOCHS,
    Rule,
    default_epochs,
    frame_of,
    is_completion_model,
    past_of,
    rule_for,
)

__all__ = [
    "DEFAULT_EXAMPLES",
    "FEWEST_EXAMPLES",
    "MOST_EPOCHS",
    "Rule",
    "default_epochs",
    "frame_of",
    "is_completion_model",
    "past_of",
    "rule_for",
]
