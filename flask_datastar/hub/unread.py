"""Detection of clients that do not read compressed events: their own systems would keep an hour of these."""

from __future__ import annotations

from ..transport.leaving import receive_window
from ..transport.watchers import Connection

#: The number of events after which the connection is looked at.
LOOK_EVENTS = 50
#: The bytes of events, before compression, of which a client may read nothing. Without compression, the buffers of a
#: connection hold about as many.
UNREAD_BYTES = 4 * 1024 * 1024


class UnreadWatch:
    """The bytes that were sent to one client since it has last read.

    A client that does not read leaves its system less room with all that is sent.
    """

    __slots__ = ("_connection", "_events", "_raw_bytes", "_sent_bytes", "_window")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._events = self._raw_bytes = self._sent_bytes = 0
        self._window: int | None = None

    def note(self, events: int, raw_bytes: int, sent_bytes: int) -> bool:
        """Count events that were sent.

        :param raw_bytes: their size before compression.
        :return: False if the client has read next to nothing for so long that its stream has to end.
        """
        self._events += events
        self._raw_bytes += raw_bytes
        self._sent_bytes += sent_bytes
        return self._events < LOOK_EVENTS or self._look()

    def _look(self) -> bool:
        self._events = 0
        window = receive_window(self._connection)
        if window is None:
            # Nothing is known on this system: the buffers alone limit what is sent.
            return True
        # Systems round the room, and keep more of it for a segment than its bytes. So a client that reads only some of
        # what it is sent counts as not reading, which is true in the end.
        if self._window is None or window > self._window - self._sent_bytes // 4:
            self._window = window
            self._raw_bytes = self._sent_bytes = 0
        return self._raw_bytes < UNREAD_BYTES
