"""Rebuilds ``data/*.xz`` from published rank files: ``python -m auditor.tokens.build FILE...``

A FILE is ``<encoding>.tiktoken``, plain or with ``.gz``. It is written only when its SHA-256 is the
published one, and the same file gives the same bytes with the same liblzma.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import lzma
import sys
from pathlib import Path

from auditor.errors import TokenizerError
from auditor.tokens.encodings import ENCODINGS, pack_ranks

DATA_FOLDER = Path(__file__).parent / "data"


def compress(canonical: bytes, rank_count: int) -> bytes:
    """The data file for a canonical ``.tiktoken`` file."""
    tokens = [b""] * rank_count
    for line in canonical.splitlines():
        token, rank = line.split()
        tokens[int(rank)] = base64.b64decode(token)
    return lzma.compress(pack_ranks(tokens), check=lzma.CHECK_CRC32, preset=9 | lzma.PRESET_EXTREME)


def build(source: Path, folder: Path = DATA_FOLDER) -> Path:
    """Writes the data file for one rank file and returns its path.

    Raises TokenizerError when the file is not the one that OpenAI published.
    """
    name = source.name.removesuffix(".gz").removesuffix(".tiktoken")
    canonical = source.read_bytes()
    if source.suffix == ".gz":
        canonical = gzip.decompress(canonical)
    spec = ENCODINGS.get(name)
    if spec is None or hashlib.sha256(canonical).hexdigest() != spec.sha256:
        raise TokenizerError(
            f"{source} is not the rank file that OpenAI published as {name}",
            hint="give <encoding>.tiktoken or <encoding>.tiktoken.gz, unchanged",
        )
    target = folder / f"{name}.xz"
    target.write_bytes(compress(canonical, spec.rank_count))
    return target


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        build(Path(argument))
