"""The compression of one hub's streams: the codings that it offers, its encoders, and the groups that share them."""

from __future__ import annotations

import logging
import time
from collections.abc import Hashable, Iterable, Sequence
from functools import cached_property
from typing import Any

from ..brokers.payload import Payload
from ..codecs.base import Coding
from ..codecs.body import CodedBody
from ..codecs.codings import coding_named, is_available
from ..codecs.negotiation import negotiate
from ..codecs.pieces import Piece
from ..codecs.pool import EncoderPool
from ..transport.wakeups import make_lock
from .coded_stream import CodedStream
from .groups import Groups
from .seats import Seat

_logger = logging.getLogger(__name__)


class Compression:
    """The codings, encoders and groups of one hub, created after the fork.

    :param codings: the names of the codings, best first; those whose package is missing are left out.
    """

    def __init__(self, codings: Iterable[str]) -> None:
        self._codings = tuple(codings)
        self._pool = EncoderPool(make_lock())
        self._groups = Groups()

    @cached_property
    def _offered(self) -> tuple[str, ...]:
        # Not before a client wants one: the package for zstd takes milliseconds to import.
        found = tuple(name for name in self._codings if is_available(name))
        if self._codings and not found:
            # The default never comes here. Who names zstd alone wants it, and would not notice that it is missing.
            _logger.warning(
                "Datastar: DATASTAR_COMPRESSION is %r: its package is not installed, so streams go out as they are; "
                "run pip install \"Flask-Datastar[zstd]\", or add 'gzip'",
                self._codings,
            )
        return found

    def choose(self, accepted: str | None) -> str | None:
        """Return the coding for a request, None for none.

        :param accepted: the request's header ``Accept-Encoding``.
        """
        return negotiate(accepted, self._offered) if accepted and self._offered else None

    def body(self, coding: str) -> CodedBody:
        """Create the state of the body of one stream."""
        return self._pool.body(coding_named(coding))

    def seat(self, stream: CodedStream, followed: frozenset[Hashable]) -> Seat | None:
        """Take a seat for a stream in the group of all streams that follow the same topics and regions.

        :return: the seat; None if the stream is not encoded.
        """
        if stream.body is None:
            return None
        coding = stream.body.coding
        group = self._groups.join((coding.name, followed), lambda: _Encoding(self._pool, coding))
        return Seat(group, stream)

    def leave(self, seat: Seat) -> None:
        """Leave a seat."""
        self._groups.leave(seat.group)

    def drop_idle(self) -> None:
        """Drop the encoders that had no event for a while; the next event is encoded without them."""
        if self._pool.encoders:
            self._pool.drop_idle(time.monotonic())

    def stats(self) -> dict[str, Any]:
        """Return the counters, an empty dict if no stream was ever encoded."""
        counts = self._pool.counts
        if not counts.bytes_in:
            return {}
        return {
            "bytes_in": counts.bytes_in,
            "bytes_out": counts.bytes_out,
            "frames": self._pool.encoders,
            "keys": counts.keys,
            "alone": counts.alone,
        }


class _Encoding:
    """The encoder of one group, open while it is used."""

    __slots__ = ("_counts", "_window")

    def __init__(self, pool: EncoderPool, coding: Coding) -> None:
        self._counts = pool.counts
        self._window = pool.window(coding)

    def make(self, payload: Payload, count: int) -> Piece:
        """Encode an event for so many streams."""
        if payload.is_stored:
            return self._window.store(payload)
        return self._window.encode(payload, count, time.monotonic())

    def write(self, item: Piece, streams: tuple[CodedStream, ...]) -> Sequence[CodedStream]:
        """Write an event to the streams that take it as the next block of their frame; return the others."""
        return CodedStream.write_block(streams, item)

    def finish(self, item: Piece) -> None:
        """Count the streams that took an event while they were asked."""
        self._counts.note_taken(item)

    def close(self) -> None:
        """Free the encoder."""
        self._window.close()
