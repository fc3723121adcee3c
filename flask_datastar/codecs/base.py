"""Content codings: what the streams and groups need of one."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import ClassVar, Protocol

_logger = logging.getLogger(__name__)


class Encoder(Protocol):
    """An encoder whose blocks refer to the blocks before them."""

    #: The binary logarithm of the window: how far back a block may refer.
    window_log: int

    def block(self, data: bytes) -> bytes:
        """Encode an event as a block that can be decoded at once. The first block is a key."""


class Coding(ABC):
    """A content coding. One object serves all streams of a process."""

    #: The value of ``Content-Encoding``.
    name: ClassVar[str]
    #: The first bytes of each body.
    head: ClassVar[bytes]
    #: A block without text, for keep-alives: whatever is shared goes on after it.
    empty: ClassVar[bytes]
    #: Whether a body ends with the checksum and the length of its text.
    has_checksum: ClassVar[bool]

    @abstractmethod
    def window_log(self, event_bytes: int) -> int:
        """Return the window that events of this size need, as a binary logarithm."""

    @abstractmethod
    def encoder_bytes(self, window_log: int) -> int:
        """Return the memory of an encoder with this window."""

    @abstractmethod
    def encoder(self, window_log: int) -> Encoder:
        """Create an encoder whose first block can follow any block of a body."""

    @abstractmethod
    def stored(self, data: bytes) -> bytes:
        """Return blocks that hold the data as it is."""

    @abstractmethod
    def checksum(self, data: bytes, before: int) -> int:
        """Continue a checksum.

        :return: the checksum; 0 if a body of the coding ends without it.
        """

    @abstractmethod
    def end(self, checksum: int, length: int) -> bytes:
        """Return the last bytes of a body.

        :param checksum: of the whole text.
        :param length: of the whole text, in bytes.
        """

    def alone(self, data: bytes) -> bytes:
        """Encode whole events so that they refer to nothing before them, or store them if that is shorter."""
        stored = self.stored(data)
        try:
            encoded = self._alone(data)
        except Exception:
            # Memory may be short. The events are worth more than their size.
            _logger.exception("Datastar: %s could not encode %d bytes; they are sent as they are", self.name, len(data))
            return stored
        return encoded if len(encoded) < len(stored) else stored

    @abstractmethod
    def _alone(self, data: bytes) -> bytes:
        """Encode with a fresh encoder."""
