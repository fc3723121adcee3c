"""Streams that run a user's generator, in the contexts of its request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flask import request, stream_with_context

from ..hooks import Reason
from ..hub.endings import StreamEnds
from ..sending.generators import AddResult, report
from ..sending.overlay import late_overlay, sent_events
from ..sending.response import response_of, take_queue, take_tracked
from ..state.request import RequestState
from ..transport.wakeups import pause
from .body import KEEPALIVE, StreamBody


class GeneratorBody(StreamBody):
    """The body of a generator's stream."""

    __slots__ = ("_add_result", "_before_wait", "_chunks", "_events", "_is_left", "_sent", "_state")

    def __init__(
        self,
        *args: Any,
        events: Iterator[Any],
        state: RequestState,
        add_result: AddResult,
        before_wait: Iterable[Callable[[], object]],
    ) -> None:
        super().__init__(*args)
        self._events = events
        self._state = state
        self._add_result = add_result
        self._before_wait = tuple(before_wait)
        self._is_left = False
        self._sent = sent_events(state.app_state.app)
        self._chunks = stream_with_context(iter(self._run, None))

    def wait(
        self, is_ready: Callable[[], bool], deadline: float | None, ready_at: Callable[[], float | None] | None
    ) -> bool:
        """Wait inside the user's generator; send meanwhile what was sent to this tab, and keep-alives.

        :param deadline: ``time.monotonic()``; None to wait for ever.
        :param ready_at: gives a time at which ``is_ready`` is to be asked again.
        :return: whether it is ready; False at the deadline.
        :raises StreamEnds: the stream is to end.
        """
        stream = self.stream
        self._give_back()
        has_rested = False
        while True:
            stream.wakeup.clear()
            if stream.must_end:
                raise StreamEnds
            now = time.monotonic()
            if (is_there := is_ready()) or (deadline is not None and now >= deadline):
                if has_rested:
                    return is_there
                # Nobody else has had a turn since the last wait: neither other requests, nor who notices that the
                # client has left.
                has_rested = True
                pause()
                continue
            has_rested = True
            if self.write is not None and (data := self._take_owed()):
                self._send(self.write, data)
                continue
            until = [t for t in (deadline, ready_at() if ready_at is not None else None) if t is not None]
            self._park(max(0.0, min(until) - now) if until else None)

    def _give_back(self) -> None:
        for callback in self._before_wait:
            callback()

    def _step(self) -> bytes:
        try:
            return next(self._chunks, b"")
        except Exception:
            # Of a teardown function, mostly: the contexts end with the generator, and have gone by now. The body ends
            # cleanly all the same.
            self.hub.logger.exception("Datastar: an exception as the contexts of the stream %s ended", self._details[2])
            self.stream.end(Reason.FAILED, failures=1)
            return b""

    def _run(self) -> bytes | None:
        """Run the generator to its next ``yield``, inside of its contexts; None at the end."""
        if self._is_left:
            self._close_events()
            return None
        try:
            return self._run_step()
        except StreamEnds:
            return None
        except Exception as error:
            report(self._state, error)
            self.stream.end(Reason.FAILED, failures=1)
            return late_overlay(self._state, request._get_current_object(), error, self._sent) or None  # type: ignore[attr-defined]
        finally:
            if self.stream.must_end:
                self._close_events()

    def _run_step(self) -> bytes:
        try:
            item = next(self._events)
        except StopIteration as stop:
            self._add_result(stop.value)
            chunk = self._flush(b"")
            self.stream.end(Reason.DONE)
            return chunk
        self._add_result(item)
        chunk = self._flush(KEEPALIVE)
        # To send is to wait, too, for a client that does not read.
        self._give_back()
        return chunk

    def _flush(self, otherwise: bytes) -> bytes:
        body = take_queue(response_of(self._state))
        if self._state.tracked.is_pending:
            body += take_tracked(self._state)
        if self._sent is not None and body:
            self._sent.note(body)
        self.stream.note_ids(body)
        return self._with_shared(body + self._take_renewal()) or otherwise

    def _close_events(self) -> None:
        try:
            close = getattr(self._events, "close", None)
            if close is not None:
                close()
        except StreamEnds:
            pass
        except Exception as error:
            report(self._state, error)

    def close(self) -> None:
        """Close the generator in its contexts, then free everything."""
        try:
            if not self._is_left:
                self._is_left = True
                # It may wait in its own ``finally``: the client does not have it any more.
                self.stream.leave()
                self.stream.is_sending = False
                self._step()
        finally:
            super().close()
