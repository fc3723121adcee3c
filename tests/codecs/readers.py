"""Independent decoders, which read a body as it comes."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from shutil import which
from typing import Any

zstd: Any = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")

#: What a segment of zstd may start with. Clients skip it, because it is a comment.
COMMENT = re.compile(rb"^:{17}\n\n", re.MULTILINE)


def text_of(decoded: bytes) -> bytes:
    """Return what clients read: the text without the comments."""
    return COMMENT.sub(b"", decoded)


def cut(body: bytes, sizes: Iterable[int]) -> Iterator[bytes]:
    """Cut a body into parts of the given sizes, by turns."""
    sizes = list(sizes) or [len(body) or 1]
    start = turn = 0
    while start < len(body):
        size = sizes[turn % len(sizes)]
        yield body[start : start + size]
        start, turn = start + size, turn + 1


class Reader:
    """A decoder of one body, which must get nothing behind its end."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._decoder: Any = zstd.ZstdDecompressor() if name == "zstd" else zlib.decompressobj(31)
        self.text = bytearray()

    @property
    def has_ended(self) -> bool:
        return bool(self._decoder.eof)

    def feed(self, part: bytes) -> None:
        assert not self.has_ended, "something follows the end of the body"
        self.text += self._decoder.decompress(part)
        assert not self._decoder.unused_data


def whole(name: str, body: bytes) -> bytes:
    """Decode a whole body with functions that refuse one that is cut off, or has a wrong checksum."""
    return bytes(zstd.decompress(body)) if name == "zstd" else gzip.decompress(body)


def by_program(name: str, body: bytes) -> bytes:
    """Decode a body with the program of its coding; with the library if the program is not installed."""
    if which(name) is None:
        return whole(name, body)
    return subprocess.run([name, "-d", "-c"], input=body, capture_output=True, check=True, timeout=60).stdout


READERS: tuple[Callable[[str, bytes], bytes], ...] = (whole, by_program)
