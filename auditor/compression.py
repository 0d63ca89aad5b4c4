"""Unpacks what is compressed while it is read: gzip, zstd, bzip2."""

from __future__ import annotations

import bz2
import gzip
import io
from typing import IO, Any, BinaryIO, cast

import zstandard

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
BZIP2_MAGIC = b"BZh"
MAGICS = (GZIP_MAGIC, ZSTD_MAGIC, BZIP2_MAGIC)
BUFFER_BYTES = 1 << 20


def decompressed(raw: BinaryIO, magic: bytes) -> io.BufferedReader:
    """The bytes in a compressed file, which its first ones tell; of any other file its own."""
    if magic.startswith(GZIP_MAGIC):
        return io.BufferedReader(gzip.GzipFile(fileobj=raw), BUFFER_BYTES)
    if magic.startswith(BZIP2_MAGIC):
        return io.BufferedReader(cast(Any, bz2.BZ2File(raw)), BUFFER_BYTES)
    if magic == ZSTD_MAGIC:
        return io.BufferedReader(_ZstdFrames(raw), BUFFER_BYTES)
    return cast(io.BufferedReader, raw)


class _ZstdFrames(io.RawIOBase):
    """Reads zstd frames one after another and notices a file that ends inside one."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._compressed = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._ready and self._advance():
            pass
        taken = self._ready[: len(buffer)]
        buffer[: len(taken)] = taken
        self._ready = self._ready[len(taken) :]
        return len(taken)

    def _advance(self) -> bool:
        """Decompresses one more block; False at the end of the file."""
        block = self._compressed or self._raw.read(BUFFER_BYTES)
        if not block:
            if self._frame is not None:
                raise EOFError("it ends in the middle of a zstd frame")
            return False
        if self._frame is None:
            self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._ready = memoryview(self._frame.decompress(block))
        self._compressed = b""
        if self._frame.eof:
            self._compressed = self._frame.unused_data
            self._frame = None
        return True
