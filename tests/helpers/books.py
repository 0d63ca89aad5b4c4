"""Price books with other figures."""

from __future__ import annotations

import csv
from collections.abc import Callable
from decimal import Decimal
from importlib.resources import files
from pathlib import Path


def with_rates(path: Path, change: Callable[[Decimal], Decimal]) -> Path:
    """The shipped price book with every rate changed, as a user's book that wins over it."""
    shipped = Path(str(files("auditor.prices") / "openai.csv"))
    with shipped.open(encoding="utf-8", newline="") as source, path.open("w", newline="") as target:
        reader = csv.DictReader(source)
        writer = csv.DictWriter(target, reader.fieldnames or ())
        writer.writeheader()
        for row in reader:
            rates = {name: row[name] for name in row if name.endswith("_per_1k_usd") and row[name]}
            writer.writerow(row | {name: change(Decimal(rate)) for name, rate in rates.items()})
    return path
