"""What a FOCUS file must be, by the specification's own tables (focus.finops.org, 1.2 and 1.4).

Columns, order, types, nulls, allowed values, dates, currency, cost = unit price × quantity.
The official validator is a cross-check: .ci/focus-validator.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from fractions import Fraction

Row = Mapping[str, str]

DECIMALS = [
    "BilledCost",
    "EffectiveCost",
    "ContractedCost",
    "ListCost",
    "PricingQuantity",
    "ConsumedQuantity",
    "ListUnitPrice",
    "ContractedUnitPrice",
]
TIMES = ["BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd"]
MANDATORY = [
    "BilledCost",
    "EffectiveCost",
    "ContractedCost",
    "ListCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodStart",
    "BillingPeriodEnd",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "InvoiceIssuerName",
    "PricingQuantity",
    "PricingUnit",
    "ServiceCategory",
    "ServiceName",
]
PROVIDERS = {
    "1.2": ("ProviderName", "PublisherName"),
    "1.4": ("ServiceProviderName", "HostProviderName"),
}
OTHERS = [
    "ChargeFrequency",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedUnitPrice",
    "InvoiceId",
    "ListUnitPrice",
    "PricingCategory",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "Tags",
]
MAY_BE_NULL = {
    *(["BillingAccountName", "ChargeClass", "ChargeDescription", "InvoiceId", "SubAccountId"]),
    *(["SubAccountName", "SubAccountType", "Tags"]),
}
ALLOWED = {
    "BillingCurrency": {"USD"},
    "ChargeCategory": {"Usage", "Purchase", "Tax", "Credit", "Adjustment"},
    "ChargeClass": {"", "Correction"},
    "ChargeFrequency": {"One-Time", "Recurring", "Usage-Based"},
    "PricingCategory": {"Standard", "Dynamic", "Committed", "Other"},
    "ServiceCategory": {"AI and Machine Learning"},
    "ServiceSubcategory": {"Generative AI"},
    "ConsumedUnit": {"Tokens"},
    "PricingUnit": {"1000000 Tokens"},
}
NUMBER = re.compile(r"-?\d+\.\d+")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
PRICED = (
    ("ListCost", "ListUnitPrice"),
    ("ContractedCost", "ContractedUnitPrice"),
)


def problems(text: str, version: str) -> list[str]:
    """What is wrong with a file of charges; nothing if it is right."""
    found = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns, *lines = list(found)
    wrong = list(_of_columns(columns, version))
    for number, line in enumerate(lines, 2):
        if len(line) != len(columns):
            wrong.append(f"line {number}: {len(line)} cells for {len(columns)} columns")
            continue
        row = dict(zip(columns, line, strict=True))
        wrong += (f"line {number}: {what}" for what in _of_row(row, version))
    prices: dict[str, tuple[str, ...]] = {}
    for row in (dict(zip(columns, line, strict=False)) for line in lines):
        named = tuple(row.get(name, "") for name in ("SkuId", "ListUnitPrice", "PricingUnit"))
        if prices.setdefault(row.get("SkuPriceId", ""), named) != named:
            wrong.append(f"SkuPriceId {row.get('SkuPriceId')} is of two prices")
    return wrong


def _of_columns(columns: list[str], version: str) -> Iterator[str]:
    known = {*MANDATORY, *OTHERS, *PROVIDERS[version]}
    for name in (*MANDATORY, *PROVIDERS[version]):
        if name not in columns:
            yield f"the column {name} is missing"
    for name in columns:
        if name not in known and not name.startswith("x_"):
            yield f"{name} is no column of FOCUS {version}"
    if len(set(columns)) < len(columns):
        yield "a column is there twice"
    if columns != sorted(columns, key=lambda name: (name.startswith("x_"), name)):
        yield "the columns are not in order, those of our own last"


def _of_row(row: Row, version: str) -> Iterator[str]:
    fixed = (*MANDATORY, *OTHERS, *PROVIDERS[version])
    for name in fixed:
        if name in row and not row[name] and name not in MAY_BE_NULL:
            yield f"{name} is empty"
    for name, allowed in ALLOWED.items():
        if name in row and row[name] not in allowed:
            yield f"{name} is {row[name]!r}"
    bad = [name for name in DECIMALS if row.get(name) and not NUMBER.fullmatch(row[name])]
    bad += [name for name in TIMES if row.get(name) and not MOMENT.fullmatch(row[name])]
    yield from (f"{name} is {row[name]!r}" for name in bad)
    if not bad:
        yield from _of_periods(row)
        yield from _of_costs(row)
    for name in ("Tags", "SkuPriceDetails"):
        if row.get(name):
            yield from _of_json(name, row[name])
    for name in ("SubAccountName", "SubAccountType"):
        if bool(row.get(name)) != bool(row.get("SubAccountId")):
            yield f"{name} does not go with SubAccountId"


def _of_periods(row: Row) -> Iterator[str]:
    if any(not row.get(name) for name in TIMES):
        return
    first, last, begins, ends = (datetime.fromisoformat(row[name]) for name in TIMES)
    if not first <= begins < ends <= last:
        yield "the charge period is not in the billing period"


def _of_costs(row: Row) -> Iterator[str]:
    def value(name: str) -> Fraction:
        return Fraction(row[name])

    if any(not row.get(name) for name in DECIMALS):
        return
    for cost, price in PRICED:
        if value(cost) != value(price) * value("PricingQuantity"):
            yield f"{cost} is not {price} × PricingQuantity"
    if value("ConsumedQuantity") != value("PricingQuantity") * 1_000_000:
        yield "PricingQuantity is not of the tokens consumed"
    if len({value(name) for name in DECIMALS[:4]}) > 1:
        yield "list prices, and yet the costs differ"
    if value("ConsumedQuantity") < 0 and row.get("ChargeClass") != "Correction":
        yield "fewer than no tokens, and no correction"


def _of_json(name: str, text: str) -> Iterator[str]:
    try:
        found = json.loads(text)
    except ValueError:
        yield f"{name} is no JSON"
        return
    if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
        yield f"{name} is no object of texts"
    elif name == "SkuPriceDetails" and not all(key.startswith("x_") for key in found):
        yield f"{name} has keys that FOCUS does not know"
