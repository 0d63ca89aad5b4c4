"""A small package of prices in place of genai-prices."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from genai_prices.types import ClauseContains, ClauseEquals, ModelInfo, ModelPrice, Provider

from auditor.prices import genai


def a_model(id: str, prices: Any, **more: Any) -> ModelInfo:
    return ModelInfo(id=id, match=more.pop("match", ClauseEquals(equals=id)), prices=prices, **more)


def a_price(sent: Any = "2", made: Any = "8", **more: Any) -> ModelPrice:
    given = {"input_mtok": sent, "output_mtok": made, **more}
    return ModelPrice(
        **{key: Decimal(one) if isinstance(one, str) else one for key, one in given.items()}
    )


def small_package(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts a seller with these models in place of the package's data."""

    def put(*models: ModelInfo, more: tuple[Provider, ...] = ()) -> None:
        match = ClauseContains(contains="m-")
        seller = Provider(
            id="acme", name="Acme", api_pattern="x", model_match=match, models=[*models]
        )
        monkeypatch.setattr(genai, "_installed", lambda: ([seller, *more], "9.9"))

    return put
