"""The coding ``zstd``: one frame (RFC 8878) of blocks, by the standard library (3.14) or backports.zstd."""

from __future__ import annotations

from typing import Any, Final

from ..sansio.decoding import zstd_library
from .base import Coding

#: The binary logarithm of the window that every body declares: its decoder keeps so much, so no encoder may have more.
DECLARED_LOG: Final = 21
_SMALLEST_LOG: Final = 15
#: The window of an encoder of single events. Larger ones find little more in them.
_ALONE_LOG: Final = 17
#: The most encoders of single events that are kept, of a third of a megabyte each. Threads may need more at a time.
_MOST_IDLE: Final = 4
_LEVEL: Final = 3
#: An encoder remembers so many events.
_EVENTS: Final = 4
#: Magic number, a descriptor without checksum and without size, the window.
_HEAD: Final = bytes.fromhex("28b52ffd 00") + bytes([(DECLARED_LOG - 10) << 3])
#: The blocks that set the three repeat offsets to 1, 4 and 8, which a fresh encoder assumes; it uses nothing else from
#: the blocks before. Repeat offsets change only by a match, which needs text: a comment line of 17 colons.
#: Eight colons, then three from 8 back; then three from 4 back, three from 1 back and two ends of line.
_RESET: Final = bytes.fromhex("440000 413a01540803000b 440000 110a02540002001c")
#: The largest block.
_BLOCK_BYTES: Final = 131_072


class _Encoder:
    __slots__ = ("_compressor", "_flush", "_is_new", "window_log")

    def __init__(self, compressor: Any, window_log: int) -> None:
        self._compressor = compressor
        self._flush = compressor.FLUSH_BLOCK
        self._is_new = True
        self.window_log = window_log

    def block(self, data: bytes) -> bytes:
        encoded: bytes = self._compressor.compress(data, self._flush)
        if self._is_new:
            self._is_new = False
            return _RESET + encoded[len(_HEAD) :]
        return encoded


class Zstd(Coding):
    """The coding zstd.

    :raises ImportError: if neither ``compression.zstd`` nor ``backports.zstd`` can be imported.
    """

    name = "zstd"
    head = _HEAD
    #: A raw block of length 0.
    empty = bytes(3)
    has_checksum = False

    def __init__(self) -> None:
        self._library = zstd_library()
        # Compressors for events alone: to reuse one is four times as fast. No lock, because pop and append are atomic.
        self._idle: list[Any] = []

    def window_log(self, event_bytes: int) -> int:
        """Return the smallest window that holds some events of this size."""
        return min(max((_EVENTS * event_bytes - 1).bit_length(), _SMALLEST_LOG), DECLARED_LOG)

    def encoder_bytes(self, window_log: int) -> int:
        """Return the memory of an encoder with this window."""
        # The window with its margin, both tables with four bytes an entry, buffers for a block.
        return (1 << window_log) * 17 // 16 + (8 << _table_log(window_log)) + _BLOCK_BYTES

    def encoder(self, window_log: int) -> _Encoder:
        """Create an encoder whose first block can follow any block of a body."""
        # An event that repeats an earlier one is a few long matches, so most of it gets into no ordinary table. The
        # search for long matches finds it even when the last event that is there as a whole has left the window.
        return _Encoder(self._compressor(window_log, enable_long_distance_matching=1), window_log)

    def stored(self, data: bytes) -> bytes:
        """Return raw blocks."""
        parts = []
        for start in range(0, len(data), _BLOCK_BYTES):
            part = data[start : start + _BLOCK_BYTES]
            parts += [(len(part) << 3).to_bytes(3, "little"), part]
        return b"".join(parts)

    def checksum(self, data: bytes, before: int) -> int:
        """Return 0, because the frame has no checksum."""
        return 0

    def end(self, checksum: int, length: int) -> bytes:
        """Return an empty last block."""
        return b"\1\0\0"

    def _alone(self, data: bytes) -> bytes:
        try:
            compressor = self._idle.pop()
        except IndexError:
            compressor = self._compressor(_ALONE_LOG)
        encoded: bytes = compressor.compress(data, compressor.FLUSH_BLOCK)
        # The end of the frame, which is not sent, makes the compressor forget everything.
        compressor.flush(compressor.FLUSH_FRAME)
        if len(self._idle) < _MOST_IDLE:
            self._idle.append(compressor)
        return _RESET + encoded[len(_HEAD) :]

    def _compressor(self, window_log: int, **options: int) -> Any:
        parameters = self._library.CompressionParameter
        options |= {
            "compression_level": _LEVEL,
            "window_log": window_log,
            "hash_log": _table_log(window_log),
            "chain_log": _table_log(window_log),
            # A header of six bytes, which is cut off.
            "content_size_flag": 0,
            "checksum_flag": 0,
        }
        return self._library.ZstdCompressor(options={parameters[name]: value for name, value in options.items()})


def _table_log(window_log: int) -> int:
    """Return the size of both tables of an encoder, as a binary logarithm of their entries.

    The library's own are three times as large and find nothing more in events.
    """
    return min(window_log - 2, 14)
