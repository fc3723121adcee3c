"""The coding ``gzip``: one member (RFC 1952) of deflate blocks (RFC 1951), by zlib."""

from __future__ import annotations

import zlib
from typing import Final

from .base import Coding

_LEVEL: Final = 6
#: The binary logarithm of deflate's only window, 32 KiB.
_WINDOW_LOG: Final = 15
_MEMORY_LEVEL: Final = 8
#: Window, hash chains and pending output, as zlib's documentation counts them, and zlib's own state.
_ENCODER_BYTES: Final = (1 << (_WINDOW_LOG + 2)) + (1 << (_MEMORY_LEVEL + 9)) + 8_192
#: The largest stored block.
_STORED_BYTES: Final = 65_535


class _Encoder:
    __slots__ = ("_compressor", "window_log")

    def __init__(self) -> None:
        self._compressor = _compressor()
        self.window_log = _WINDOW_LOG

    def block(self, data: bytes) -> bytes:
        return self._compressor.compress(data) + self._compressor.flush(zlib.Z_SYNC_FLUSH)


class Gzip(Coding):
    """The coding gzip.

    Every segment ends at a byte. A segment by a fresh encoder can follow any other, because deflate carries nothing
    over but the window, and such a segment refers to nothing before itself.
    """

    name = "gzip"
    #: No name, no time, an unknown system.
    head = bytes.fromhex("1f8b 08 00 00000000 00 ff")
    #: A stored block of length 0.
    empty = bytes.fromhex("00 0000 ffff")
    has_checksum = True

    def window_log(self, event_bytes: int) -> int:
        """Return the only window that there is."""
        return _WINDOW_LOG

    def encoder_bytes(self, window_log: int) -> int:
        """Return the memory of an encoder."""
        return _ENCODER_BYTES

    def encoder(self, window_log: int) -> _Encoder:
        """Create an encoder whose first block can follow any block of a body."""
        return _Encoder()

    def stored(self, data: bytes) -> bytes:
        """Return stored blocks."""
        parts = []
        for start in range(0, len(data), _STORED_BYTES):
            part = data[start : start + _STORED_BYTES]
            size = len(part)
            parts += [b"\0", size.to_bytes(2, "little"), (size ^ 0xFFFF).to_bytes(2, "little"), part]
        return b"".join(parts)

    def checksum(self, data: bytes, before: int) -> int:
        """Continue a CRC-32."""
        return zlib.crc32(data, before)

    def end(self, checksum: int, length: int) -> bytes:
        """Return an empty last block, the CRC-32 and the length."""
        return b"\x03\0" + checksum.to_bytes(4, "little") + (length & 0xFFFFFFFF).to_bytes(4, "little")

    def _alone(self, data: bytes) -> bytes:
        compressor = _compressor()
        return compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)


def _compressor() -> zlib._Compress:
    return zlib.compressobj(_LEVEL, zlib.DEFLATED, -_WINDOW_LOG, _MEMORY_LEVEL)
