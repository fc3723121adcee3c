"""Detection of clients that do not read compressed events: their own systems would keep an hour of these."""

from __future__ import annotations

from ..codecs.pieces import MILESTONE_BYTES
from ..transport.leaving import receive_window
from ..transport.watchers import Connection

#: The bytes of events, before compression, of which a client may read nothing. Without compression, the buffers of a
#: connection hold about as many.
UNREAD_BYTES = 4 * 1024 * 1024


class UnreadWatch:
    """The bytes that were sent to one client since it has last read.

    A client that does not read leaves its system less room with all that is sent.
    """

    __slots__ = ("_connection", "_looked_at", "_sent_bytes", "_text_bytes", "_window")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # The bytes of text at the time of the last look.
        self._looked_at = 0
        # The text and the bytes that had been sent when the client last read, and the room that it had then.
        self._text_bytes = self._sent_bytes = 0
        self._window: int | None = None

    def is_due(self, text_bytes: int) -> bool:
        """Return whether it is time to look.

        :param text_bytes: the size of all events that were ever sent, before compression.
        """
        return text_bytes - self._looked_at >= MILESTONE_BYTES

    def look(self, text_bytes: int, sent_bytes: int) -> bool:
        """Look at the connection.

        :param text_bytes: as for :meth:`is_due`.
        :param sent_bytes: the size of the same events as they went out.
        :return: False if the client has read next to nothing for so long that its stream has to end.
        """
        self._looked_at = text_bytes
        window = receive_window(self._connection)
        if window is None:
            # Nothing is known on this system: the buffers alone limit what is sent.
            return True
        # Systems round the room, and keep more of it for a segment than its bytes. So a client that reads only some of
        # what it is sent counts as not reading, which is true in the end.
        if self._window is None or window > self._window - (sent_bytes - self._sent_bytes) // 4:
            self._window = window
            self._text_bytes, self._sent_bytes = text_bytes, sent_bytes
        return text_bytes - self._text_bytes < UNREAD_BYTES
