"""Streams that hand on no more than the limits allow, however much there is (``limits``)."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from typing import IO

from auditor.limits import FREE_BYTES, MAX_LINE_BYTES, stand_in, unpacks_to_too_much

BLOCK_BYTES = 1 << 20


class Blocks(io.RawIOBase):
    """The bytes of an iterator as a file."""

    def __init__(self, pieces: Iterable[bytes | memoryview]) -> None:
        self._pieces = iter(pieces)
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._ready:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._ready = memoryview(piece)
        taken = self._ready[: len(buffer)]
        buffer[: len(taken)] = taken
        self._ready = self._ready[len(taken) :]
        return len(taken)


class Lines(io.BufferedReader):
    """Lines of which none is longer than ``max_line_bytes``; a record of several may be no longer
    either.
    """

    def __init__(self, raw: io.RawIOBase, most: int) -> None:
        super().__init__(raw, BLOCK_BYTES)
        self.max_line_bytes = most


class Bounded:
    """Lines of an iterator, as those of ``Lines``."""

    def __init__(self, lines: Iterable[bytes], most: int) -> None:
        self._lines = iter(lines)
        self.max_line_bytes = most

    def __iter__(self) -> Iterator[bytes]:
        return self._lines


def longest_of(stream: Iterable[bytes]) -> int:
    """The most bytes that a record of a stream may have."""
    return getattr(stream, "max_line_bytes", MAX_LINE_BYTES)


def shortened(stream: IO[bytes], most: int) -> Lines:
    """The stream, a few bytes in place of each line of more than ``most``."""
    return Lines(Blocks(_Shortener(most).blocks(stream)), most)


class Measured:
    """A line or record that comes in pieces: kept while it is short enough, then only measured."""

    def __init__(self, most: int) -> None:
        self.size = 0
        self._most = most
        self._kept: list[bytes] = []

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self._most:
            self._kept.clear()
        else:
            self._kept.append(piece)

    def take(self) -> bytes:
        """All of it, or what stands for it; then another may come."""
        whole = b"".join(self._kept) if self.size <= self._most else stand_in(self.size, self._most)
        self.size = 0
        self._kept = []
        return whole


class _Shortener:
    def __init__(self, most: int) -> None:
        self._most = most
        self._begun = Measured(most)

    def blocks(self, stream: IO[bytes]) -> Iterator[bytes | memoryview]:
        while block := stream.read(BLOCK_BYTES):
            yield from self._of(block)
        yield self._begun.take()

    def _of(self, block: bytes) -> Iterator[bytes | memoryview]:
        """The lines that end in a block; how the next begins is kept."""
        begin = 0
        if self._begun.size:
            end = block.find(b"\n")
            if end < 0:
                self._begun.add(block)
                return
            self._begun.add(block[:end])
            yield self._begun.take()
            begin = end
        end = block.rfind(b"\n") + 1
        if end - begin > self._most:  # only where less than a block is allowed
            yield b"\n".join(map(self._short, block[begin:end].split(b"\n")))
        elif end > begin:
            yield memoryview(block)[begin:end]
        if end < len(block):
            self._begun.add(block[end:])

    def _short(self, line: bytes) -> bytes:
        return line if len(line) <= self._most else stand_in(len(line), self._most)


class Unpacked(io.RawIOBase):
    """What a packed stream unpacks to, as long as that is in proportion to what was read for it.

    ``taken`` says how many packed bytes were. Raises BeyondLimitError.
    """

    def __init__(self, stream: IO[bytes], taken: Callable[[], int], ratio: int) -> None:
        self._stream = stream
        self._taken = taken
        self._ratio = ratio
        self._size = 0
        self._lines = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        self._size += len(data)
        if self._size > FREE_BYTES and self._size > self._ratio * self._taken():
            raise unpacks_to_too_much(
                self._size, self._taken(), self._ratio, line=self._lines + data.count(b"\n") + 1
            )
        self._lines += data.count(b"\n")
        buffer[: len(data)] = data
        return len(data)
