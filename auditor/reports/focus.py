"""FOCUS: charges as the FinOps Open Cost and Usage Specification has them, 1.2 or 1.4.

focus.csv holds what the calls cost, at list prices; focus_scenarios.csv what they would have cost
elsewhere, which nobody bills. The columns: queries/focus. Facts: https://focus.finops.org.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from auditor.errors import ConfigError
from auditor.pipeline.reporting import Reported
from auditor.reports.figures import counted, plain
from auditor.reports.files import csv_text, texts

VERSIONS = ("1.2", "1.4")
CHARGES = "focus"
SCENARIOS = "focus_scenarios"
UNCHARGED = "replay/uncharged"
PROVIDER = "OpenAI"
SUB_ACCOUNT = "project"
NOT_IN = {
    "1.2": ("HostProviderName", "ServiceProviderName"),
    "1.4": ("ProviderName", "PublisherName"),
}
KEYS = (
    "billing_account_id",
    "billing_account_name",
    "invoice_issuer",
    "provider",
    "service",
    "sub_account",
)


@dataclass(frozen=True, slots=True)
class Account:
    """Who is billed by whom, which no log says; ``sub_account`` is the tag that names projects."""

    billing_account_id: str
    billing_account_name: str
    invoice_issuer: str
    provider: str
    service: str
    sub_account: str

    @classmethod
    def of(cls, entries: Mapping[str, Any], file: str, sub_account: str | None = None) -> Account:
        """From [focus] of audit.toml. Raises ConfigError for keys it does not know and no texts."""
        for key, value in entries.items():
            if key not in KEYS or not isinstance(value, str) or not value.strip():
                problem = "must be a text" if key in KEYS else "is no key we know"
                raise ConfigError(
                    file, None, f"focus.{key} {problem}", hint=f"Known keys: {', '.join(KEYS)}."
                )
        account = entries.get("billing_account_id", "unknown")
        provider = entries.get("provider", PROVIDER)
        return cls(
            billing_account_id=account,
            billing_account_name=entries.get("billing_account_name", account),
            invoice_issuer=entries.get("invoice_issuer", provider),
            provider=provider,
            service=entries.get("service", f"{provider} API"),
            sub_account=sub_account or entries.get("sub_account", SUB_ACCOUNT),
        )

    @property
    def frame(self) -> pl.DataFrame:
        """One row, as queries/focus reads it."""
        return pl.DataFrame(
            {
                "billing_account_id": [self.billing_account_id],
                "billing_account_name": [self.billing_account_name],
                "invoice_issuer": [self.invoice_issuer],
                "provider": [self.provider],
                "service": [self.service],
                "sub_account_type": [self.sub_account],
            }
        )


def files_of(reported: Reported, version: str) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The files of that version, and what the manifest lists of each."""
    contents, listed = {}, {}
    for name in (CHARGES, SCENARIOS):
        frame = reported.reports[name].frame.drop(NOT_IN[version], strict=False)
        rows = frame.iter_rows(named=True)
        contents[f"{name}.csv"] = csv_text(frame.columns, rows, decimal).encode()
        listed[f"{name}.csv"] = {
            "report": name,
            "rows": frame.height,
            "columns": frame.columns,
            "focus_version": version,
        }
    return contents, listed


def summary_of(reported: Reported, version: str) -> dict[str, Any]:
    """What the manifest says of the export: above all what is in none of its rows."""
    return {
        "version": version,
        "left_out": [texts(row) for row in left_out(reported)],
        "training": [
            {
                "scenario": row["scenario"].name,
                "training_usd": plain(row["training_usd"]),
                "why": "is once, of no day: not in focus_scenarios.csv",
            }
            for row in reported.whole.training
        ],
    }


def left_out(reported: Reported) -> list[dict[str, Any]]:
    """The calls without a charge; rows of queries/replay/uncharged.sql."""
    return reported.gathered[UNCHARGED].to_dicts()


def left_out_in_words(reported: Reported) -> str | None:
    """A line for people, None where every call with a cost has a charge."""
    count = sum(row["calls"] for row in left_out(reported) if row["why"] == "unpriced")
    if not count:
        return None
    return f"Not in focus.csv: {counted(count, 'unpriced call')}; manifest.json says why."


def decimal(value: Any) -> str | None:
    """A number as text; a decimal one always with its point, so that readers know its type."""
    text = plain(value)
    return f"{text}.0" if isinstance(value, Decimal) and text and "." not in text else text
