"""Decoders of compressed bodies, one for each body, as clients have them."""

from __future__ import annotations

import zlib
from typing import Any


def make_decoder(coding: str) -> Any:
    """Return an object with ``decompress`` and ``eof``, which decodes one member or frame and no more."""
    if coding == "gzip":
        return zlib.decompressobj(31)
    assert coding == "zstd", coding
    try:
        from compression import zstd  # type: ignore[import-not-found]
    except ImportError:
        from backports import zstd
    return zstd.ZstdDecompressor()


class Decoded:
    """A body that is decoded as it comes.

    :param coding: the value of ``Content-Encoding``; None for a body without one.
    """

    def __init__(self, coding: str | None) -> None:
        self.coding = coding
        #: The bytes that came, and those that they stand for.
        self.wire_bytes = 0
        self.text_bytes = 0
        self._decoder = None if coding is None else make_decoder(coding)

    def feed(self, data: bytes) -> bytes:
        """Return the text of the next bytes of the body."""
        self.wire_bytes += len(data)
        if self._decoder is None:
            text = data
        else:
            assert not self._decoder.eof or not data, f"bytes behind the end: {data[:40]!r}"
            text = self._decoder.decompress(data) if data else b""
            assert not self._decoder.unused_data, f"bytes behind the end: {self._decoder.unused_data[:40]!r}"
        self.text_bytes += len(text)
        return text

    @property
    def is_whole(self) -> bool:
        """Whether the coding's own end has come, with a checksum that is right."""
        return self._decoder is None or bool(self._decoder.eof)


def decode(coding: str | None, data: bytes) -> bytes:
    """Decode the bytes of a body so far."""
    return Decoded(coding).feed(data)
