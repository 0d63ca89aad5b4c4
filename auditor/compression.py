"""Unpacks what is compressed while it is read: gzip, zstd, bzip2."""

from __future__ import annotations

import bz2
import gzip
import io
from typing import IO, BinaryIO, cast

import zstandard

from auditor.bounded import Unpacked
from auditor.limits import Limits

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
BZIP2_MAGIC = b"BZh"
MAGICS = (GZIP_MAGIC, ZSTD_MAGIC, BZIP2_MAGIC)
BUFFER_BYTES = 1 << 20
PIECE_BYTES = 4 << 10
"""What is handed to zstd at once: it unpacks all of it, to 33,000 times that at most."""


def is_packed(magic: bytes) -> bool:
    """Whether the first four bytes of a file are those of a compressed one."""
    return magic.startswith(MAGICS)


def decompressed(raw: BinaryIO, magic: bytes, limits: Limits) -> io.BufferedReader:
    """The bytes in a compressed file, whose first ones say which.

    Reading raises BeyondLimitError where what was read so far unpacks to too much.
    """
    packed = _Counted(raw)
    stream: IO[bytes]
    if magic.startswith(GZIP_MAGIC):
        stream = cast(IO[bytes], gzip.GzipFile(fileobj=cast(BinaryIO, packed)))
    elif magic.startswith(BZIP2_MAGIC):
        stream = bz2.BZ2File(cast(BinaryIO, packed))
    else:
        stream = io.BufferedReader(_ZstdFrames(packed), BUFFER_BYTES)
    ratio = limits.ratio_of(deflated=magic.startswith(GZIP_MAGIC))
    return io.BufferedReader(Unpacked(stream, lambda: packed.taken, ratio), BUFFER_BYTES)


class _Counted:
    """A file that knows how many of its bytes were taken."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        data = self._raw.read(size)
        self.taken += len(data)
        return data

    def seekable(self) -> bool:
        return False


class _ZstdFrames(io.RawIOBase):
    """Reads zstd frames one after another and notices a file that ends inside one."""

    def __init__(self, raw: _Counted) -> None:
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
        block = self._compressed or self._raw.read(PIECE_BYTES)
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
