"""How logs spell a model: fine-tuned, Azure and router forms, taken apart without guessing.

Sources: the OpenAI fine-tuning guide (``ft:BASE:org:suffix:id``, ``:ckpt-step-N``), its post of
2023-08-22 (``ft:BASE:org``), the old /v1/fine-tunes names (``curie:ft-org-date``), Azure OpenAI
(``gpt-35-turbo``, ``BASE.ft-<hex>[-suffix]``), and the prefixes of litellm and OpenRouter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

ROUTERS = ("openai", "azure", "openaichat")

_FINE_TUNED = re.compile(r"ft:(?P<base>[^:]+)(:[^:]+(:[^:]*:[^:]+(:ckpt-step-[0-9]+)?)?)?")
_LEGACY_FINE_TUNED = re.compile(r"(?P<base>[^:]+):ft-[^:]+")
_AZURE_FINE_TUNED = re.compile(r"(?P<base>[^:]+)\.ft-[0-9a-f]+(-.+)?")
_AZURE_TURBO = re.compile(r"gpt-35-turbo(?P<rest>-.+)?")


@dataclass(frozen=True, slots=True)
class Spelling:
    """A name taken apart. ``row`` is the name of its row in a price book, with {} for the base.

    ``azure`` marks a form that only Azure writes, ``steps`` says what was read, in sentences.
    """

    base: str
    row: str = "{}"
    azure: bool = False
    steps: tuple[str, ...] = ()

    @property
    def fine_tuned(self) -> bool:
        """Whether the name itself says that the model is a fine-tuned one."""
        return self.row != "{}"

    def row_for(self, base: str) -> str:
        """The name of the row when the base is that one."""
        return self.row.format(base)


def split_router(name: str) -> tuple[str | None, str]:
    """The router's prefix, if there is a known one, and the rest. Only one prefix is taken off."""
    prefix, slash, rest = name.partition("/")
    return (prefix, rest) if slash and prefix in ROUTERS else (None, name)


def read(name: str) -> Spelling:
    """Take a name apart; one of no known form is its own base."""
    if match := _FINE_TUNED.fullmatch(name):
        return _fine_tuned(name, match["base"], "ft:{}")
    if match := _LEGACY_FINE_TUNED.fullmatch(name):
        return _fine_tuned(name, match["base"], "{}:ft-*")
    if match := _AZURE_FINE_TUNED.fullmatch(name):
        return replace(_fine_tuned(name, _from_azure(match["base"]), "ft:{}"), azure=True)
    base = _from_azure(name)
    if base != name:
        return Spelling(base, azure=True, steps=(f"{name} is Azure's spelling of {base}",))
    return Spelling(name)


def _from_azure(name: str) -> str:
    match = _AZURE_TURBO.fullmatch(name)
    return f"gpt-3.5-turbo{match['rest'] or ''}" if match else name


def _fine_tuned(name: str, base: str, row: str) -> Spelling:
    step = f"{name} is a fine-tuned {base}"
    return Spelling(base, row, steps=() if name == row.format(base) else (step,))
