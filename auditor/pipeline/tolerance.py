"""How much of the difference between an invoice and the logs may stay unexplained."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much may stay unexplained: USD, or a share of what is billed in parts of a million."""

    usd: Decimal = Decimal(0)
    ppm: int | None = None

    @classmethod
    def read(cls, text: str) -> Tolerance:
        """From ``"12.50"`` or ``"0.5%"``. Raises ValueError."""
        plain = text.strip()
        percent = plain.endswith("%")
        digits = plain[:-1].rstrip() if percent else plain
        whole, point, fraction = digits.partition(".")
        if not whole.isdecimal() or (point and not fraction.isdecimal()):
            raise ValueError(f"{text!r} is neither an amount nor a share such as 0.5%")
        if len(whole) > MOST_DIGITS or len(fraction) > (4 if percent else 18):
            raise ValueError(f"{text!r} has more digits than can be told apart")
        if percent:
            return cls(ppm=int(Decimal(digits).scaleb(4)))
        return cls(Decimal(digits))
