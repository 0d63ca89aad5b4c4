"""``audit finetune``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from auditor.cli.options import (
    INCOMPLETE,
    Day,
    F,
    allowance_options,
    check_sources,
    config_option,
    db_option,
    engine_options,
    from_option,
    hash_key,
    names_option,
    output_option,
    prices_option,
    reading_options,
    rereading_options,
    result_options,
    scenario_files_option,
    zone_option,
)


class WithDefault(click.Group):
    """A group whose name alone runs a command of it: ``audit finetune LOGS``."""

    default = "verdict"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in self.commands or args[0] == self.default:
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in super().list_commands(ctx) if name != self.default]


@click.group(cls=WithDefault)
def finetune() -> None:
    """Say for each workload whether fine-tuning pays."""


class Verdict(click.Command):
    """Goes by the name of its group, in usage and in errors."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        if parent is not None:
            info_name, parent = parent.info_name, parent.parent
        return super().make_context(info_name, args, parent=parent, **extra)


target_option = click.option(
    "--to",
    default="ft-gpt-3.5-turbo",
    show_default=True,
    metavar="SCENARIO",
    help="The fine-tuned model to train: a scenario of one model.",
)
epochs_option = click.option(
    "--epochs",
    type=click.IntRange(1, 50),
    help="Passes over the examples; unless given OpenAI's default: 3, more for few examples.",
)
until_option = click.option(
    "--until", "to_date", type=Day(), metavar="DATE", help="First day no longer in."
)


def examples_option(name: str, text: str) -> Callable[[F], F]:
    """The number of examples."""
    return click.option(
        name,
        "examples",
        type=click.IntRange(10, 100_000),
        default=100,
        show_default=True,
        help=text,
    )


@finetune.command("verdict", cls=Verdict)
@click.argument("logs", nargs=-1, metavar="[LOGS]...")
@db_option(required=False)
@target_option
@click.option(
    "--against",
    default="actual",
    show_default=True,
    metavar="SCENARIO",
    help="What to compare with: actual, or a scenario.",
)
@click.option(
    "--workload", multiple=True, metavar="ID", help="Only this one, in detail. May be repeated."
)
@names_option
@click.option("--keep-prompt", metavar="SHARE", help="Send only this share of each prompt.")
@click.option(
    "--drop",
    type=click.Choice(["shared-prefix"]),
    help="Cut off what the prompts of each workload begin with.",
)
@click.option(
    "--output-ratio",
    default="1",
    show_default=True,
    metavar="R|observed",
    help="Length of the answers in logged ones; observed: where both models answered a prompt.",
)
@examples_option("--examples", "Train on at most so many calls of each workload.")
@epochs_option
@click.option(
    "--retrain-every",
    type=click.IntRange(1, 36_500),
    metavar="DAYS",
    help="Train again that often.",
)
@click.option(
    "--write-scenario",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a scenario that moves what pays back and leaves the rest.",
)
@scenario_files_option
@prices_option
@from_option
@until_option
@zone_option
@reading_options
@engine_options
@allowance_options
@result_options
@config_option
def finetune_verdict(logs: tuple[str, ...], db: Path | None, **given: Any) -> None:
    """Say for each workload whether fine-tuning pays.

    Calls are grouped by what they are for: a tag of the log, else the system message, else the
    opening of the first message. LOGS and --db as in `audit replay`. `audit finetune dataset`
    writes a training set.
    """
    from auditor.session import finetuning

    check_sources(logs, db, given)
    today = datetime.now(UTC).date()
    complete = finetuning.finetune(logs, db, hash_key=hash_key(), today=today, **given)
    sys.exit(0 if complete else INCOMPLETE)


@finetune.command("dataset")
@click.argument("workload")
@click.argument("logs", nargs=-1, metavar="[LOGS]...")
@db_option(required=False)
@output_option(
    "The training file (JSONL); validation goes to PATH with .validation before its ending."
)
@target_option
@examples_option("--limit", "Train on at most so many calls.")
@epochs_option
@click.option(
    "--validation",
    default="10%",
    show_default=True,
    metavar="SHARE",
    help="Further examples to validate with, measured in those that are trained on.",
)
@click.option(
    "--shorten", is_flag=True, help="Cut off what the prompts of the workload begin with."
)
@click.option(
    "--redact",
    is_flag=True,
    help="Replace e-mail addresses, keys and phone numbers. Needs the extra: auditor[redact].",
)
@click.option("--format", "format_", type=click.Choice(["table", "json"]), default="table")
@names_option
@scenario_files_option
@prices_option
@from_option
@until_option
@zone_option
@rereading_options
@config_option
def finetune_dataset(workload: str, logs: tuple[str, ...], db: Path | None, **given: Any) -> None:
    """Write a training set of one workload in the provider's format.

    WORKLOAD is an id or name as `audit finetune` shows it. The text comes from a store that was
    filled with --keep-text, or is read again from LOGS.
    """
    from auditor.session import training_set

    check_sources(logs, db, given)
    today = datetime.now(UTC).date()
    complete = training_set.write(workload, logs, db, hash_key=hash_key(), today=today, **given)
    sys.exit(0 if complete else INCOMPLETE)
