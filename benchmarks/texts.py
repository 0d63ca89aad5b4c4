"""Texts of this machine: its Python and its documentation, cut into pieces. Nothing is fetched."""

from __future__ import annotations

import hashlib
import random
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

SUFFIXES = (".py", ".md", ".rst", ".txt", ".html", "")


def pieces(dice: random.Random, mean: float, deviation: float) -> Iterator[str]:
    """The texts of this machine, in no order, cut into different pieces.

    The logarithm of their length in characters has this mean and deviation (log-normal).
    """
    seen = set[bytes]()
    roots = (sysconfig.get_path("stdlib"), sys.prefix, "/usr/share/doc")
    files = sorted({file for root in roots for file in Path(root).rglob("*")})
    dice.shuffle(files)
    for file in files:
        if file.suffix not in SUFFIXES or not file.is_file():
            continue
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        digest = hashlib.sha256(text.encode()).digest()
        if digest in seen:
            continue
        seen.add(digest)
        while text:
            length = int(dice.lognormvariate(mean, deviation)) + 1
            piece, text = text[:length], text[length:]
            yield piece
