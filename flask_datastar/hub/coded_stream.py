"""Streams with a content coding: what they share is encoded once for their group, what is their own for them alone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, cast

from ..brokers.payload import Payload
from ..codecs.body import CodedBody
from ..codecs.pieces import Piece, own_piece
from ..hooks import Reason
from ..transport import leaving
from .direct import DirectWriter
from .stream import Stream
from .unread import UnreadWatch


class CodedStream(Stream):
    """A stream whose body has a content coding.

    The body's state says how the next event has to be encoded. It moves when encoded bytes are written, or are sure to
    be: the stream's own greenlet moves it while the stream is not parked, a publisher while it is.
    """

    __slots__ = ("_buffer_bytes", "_is_unread", "_unread", "body", "coding")

    def __init__(self, body: CodedBody, limits: tuple[int, int], **options: Any) -> None:
        super().__init__(limits, **options)
        #: The state of the encoded body; None if the body goes out as it is after all.
        self.body: CodedBody | None = body
        self.coding = body.coding.name
        # The size of the connection's buffer before it was made small; None if it was not, 0 if it is not to be.
        self._buffer_bytes: int | None = None
        # Counts what the client leaves unread, from the first wait on.
        self._unread: UnreadWatch | None = None
        self._is_unread = False

    def uncode(self) -> None:
        """Send the body as it is. Called before its first byte."""
        self.body = self.coding = None

    # Events for this stream

    def put(self, payload: Payload) -> None:
        """Send events that come to this stream alone, or queue them, as any stream does."""
        body = self.body
        if not self.offer(payload if body is None else _own_piece(body, payload)):
            self.on_slow(self)

    @staticmethod
    def write_block(streams: Sequence[CodedStream], piece: Piece) -> Sequence[CodedStream]:
        """Write a piece to the streams that take it as the next block of their frame, which is nearly every delivery.

        Thousands of streams are cold in the processor's cache. So a stream costs one call, the write, and only what
        differs between streams is read and stored; the rest is done once.

        :param streams: streams of the piece's group; few, because other threads wait meanwhile.
        :return: the other streams, for :meth:`offer`.
        """
        block = piece.block
        if block is None or piece.is_milestone:
            return streams
        before, after, frame, made_at, last_id = piece.before, piece.after, piece.frame, piece.made_at, piece.last_id
        data, chunk, write = block.data, block.chunk, os.write
        others: list[CodedStream] = []
        # All streams of the process have the same lock.
        with streams[0]._lock:
            for stream in streams:
                body, direct = stream.body, stream.direct
                if (
                    body is None
                    or body.at is not before
                    or body.frame is not frame
                    or direct is None
                    or not stream.is_parked
                    or stream.outbox is not None
                    or stream.is_gone
                    or stream.ending is not None
                ):
                    others.append(stream)
                    continue
                sendable = chunk if direct.is_chunked else data
                try:
                    sent = write(direct.descriptor, sendable)
                except OSError:
                    # The connection is full or broken: the stream finds out when it is offered the piece.
                    others.append(stream)
                    continue
                body.at = after
                stream.last_write = made_at
                if sent < len(sendable):
                    direct.rest = memoryview(sendable)[sent:]
                    stream._note_written(direct, piece)
                elif last_id is not None:
                    stream.last_id = last_id
        piece.taken += len(streams) - len(others)
        return others

    def offer(self, item: Any) -> bool:
        """Send an event of the group that :meth:`write_block` has not written, or queue it.

        :param item: a piece; a payload, if the body goes out as it is.
        :return: False if there is no room for it, or if the client does not read. The caller then calls
            :attr:`on_slow`.
        """
        with self._lock:
            if self.is_gone or self.ending is not None:
                return True
            if self.is_parked and self.outbox is None and self.direct is not None and self._write(self.direct, item):
                return not self._is_unread
            is_queued, is_pressed = self._queue(item)
        if not is_queued:
            return False
        self.wakeup.set()
        if is_pressed:
            self.on_pressed(self)
        return True

    def _write(self, direct: DirectWriter, item: Any) -> bool:
        body = self.body
        if body is None:
            return super()._write(direct, item if type(item) is Payload else Payload(item.data, item.last_id))
        taken = direct.write(body.segment(item))
        if taken is None:
            self.leave()
            return True
        if taken:
            # Only now: what the connection does not take is encoded again when its turn comes.
            body.commit(item)
            self._note_sent(body, is_milestone=item.is_milestone)
            self.last_write = item.made_at
            self._note_written(direct, item)
        return taken

    def take(self) -> bytes:
        """Return what waits, encoded; it has to be written next."""
        body = self.body
        if body is None:
            return super().take()
        if self.outbox is None:
            return b""
        pieces = cast(list[Piece], self._take_waiting())
        # Without the lock, which is one for all streams of the process.
        encoded = body.take(pieces)
        self._note_sent(body)
        if self._is_unread:
            self.on_slow(self)
        return encoded

    def _note_sent(self, body: CodedBody, *, is_milestone: bool = False) -> None:
        unread = self._unread
        if unread is None or not (is_milestone or unread.is_due(body.text_bytes)):
            return
        if not unread.look(body.text_bytes, body.sent_bytes):
            self._is_unread = True

    # The stream's own bytes

    def encode_first(self, data: bytes, *, is_secret: bool) -> bytes:
        """Return the first bytes of the body."""
        body = self.body
        return data if body is None else body.start() + body.own(data, is_stored=is_secret)

    def encode(self, data: bytes, *, is_secret: bool = False) -> bytes:
        """Return events of the stream's own as they go out; they have to be written next."""
        body = self.body
        if body is None:
            return data
        encoded = body.own(data, is_stored=is_secret)
        if self._unread is not None:
            self._note_sent(body)
            if self._is_unread:
                self.on_slow(self)
        return encoded

    def encode_keepalive(self, comment: bytes) -> bytes:
        """Return the bytes that keep the connection alive."""
        body = self.body
        return comment if body is None else body.keepalive()

    def encode_last(self, data: bytes) -> bytes:
        """Return the last bytes of the body."""
        body = self.body
        return data if body is None else body.own(data) + body.end()

    # The connection

    def park(self, timeout: float | None) -> None:
        """Wait to be woken, and let the connection hold no more than a few encoded events from now on.

        Encoded, an hour of events would fit into its buffers, and a client that does not read would not be noticed. Its
        own system's buffer is out of reach, but tells how full it is.
        """
        if self._buffer_bytes is None and self.body is not None and self.socket is not None:
            self._buffer_bytes = leaving.shrink_buffer(self.socket)
            self._unread = UnreadWatch(self.socket)
        body, direct = self.body, self.direct
        if body is None or direct is None:
            super().park(timeout)
            return
        before = body.sent_bytes
        super().park(timeout)
        # Counted once for each wait: for each block, it would cost a delivery two percent.
        direct.sent = body.sent_bytes - before

    def end(self, reason: Reason, *, page: str | None = None, failures: int = 0, is_for_one: bool = False) -> bool:
        """Ask the stream to end, as any stream, and give the connection its buffer back.

        What still goes out fits into it. A slow client would not take that from the small one in the time that a stream
        has for its end, and its body would break off.
        """
        is_first = super().end(reason, page=page, failures=failures, is_for_one=is_for_one)
        if is_first:
            self._restore_buffer()
        return is_first

    def close(self) -> None:
        """Restore the buffer of the connection, which may serve other requests."""
        super().close()
        self._restore_buffer()

    def _restore_buffer(self) -> None:
        # 0, so that it stays as it is from now on.
        size, self._buffer_bytes = self._buffer_bytes, 0
        if size and self.socket is not None:
            leaving.restore_buffer(self.socket, size)


def _own_piece(body: CodedBody, payload: Payload) -> Piece:
    """Return a payload as a piece that belongs to no group, the same for all streams that get it."""
    pieces = payload.pieces
    if pieces is None:
        pieces = payload.pieces = {}
    found: Piece | None = pieces.get(body.coding.name)
    if found is None:
        found = pieces[body.coding.name] = own_piece(body.coding, payload, is_stored=payload.is_stored)
    return found
