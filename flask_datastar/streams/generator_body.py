"""Streams that run a user's generator, in the contexts of its request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flask import request

from ..hub.stream import StreamEnds
from ..sansio.endings import Ending, Reason
from ..sending.flush import flush
from ..sending.generators import AddResult, report
from ..sending.overlay import late_overlay, sent_events
from ..sending.response import response_of
from ..state.contexts import KeptContexts
from ..state.request import RequestState
from ..transport.wakeups import pause
from .body import KEEPALIVE, StreamBody
from .commits import release_session


class GeneratorBody(StreamBody):
    """The body of a generator's stream."""

    __slots__ = ("_add_result", "_before_wait", "_contexts", "_events", "_is_over", "_sent", "_state")

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
        self._is_over = False
        self._sent = sent_events(state.app_state.app)
        self._contexts = KeptContexts(state.app_state.app, request._get_current_object())  # type: ignore[attr-defined]

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
        self._give_back(is_waiting=True)
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

    def _give_back(self, *, is_waiting: bool) -> None:
        for callback in self._before_wait:
            callback()
        release_session(self._state.app_state, is_waiting=is_waiting)

    def _step(self) -> bytes:
        return self._contexts.run(self._run)

    def _run(self) -> bytes:
        """Run the generator to its next ``yield``, inside of its contexts."""
        error: Exception | None = None
        chunk = b""
        try:
            chunk = self._run_step()
        except StreamEnds:
            pass
        except Exception as raised:
            error = raised
            report(self._state, error)
            self.hub.end_restarting(self.stream, "failed", failures=1)
            chunk = late_overlay(self._state, request._get_current_object(), error, self._sent)  # type: ignore[attr-defined]
        if self.stream.must_end:
            self._end(error)
        return chunk

    def _run_step(self) -> bytes:
        try:
            item = next(self._events)
        except StopIteration as stop:
            self._add_result(stop.value)
            chunk = self._flush(b"")
            self.stream.end(Ending(Reason.DONE), "done")
            return chunk
        self._add_result(item)
        chunk = self._flush(KEEPALIVE)
        # To send is to wait, too, for a client that does not read.
        self._give_back(is_waiting=False)
        return chunk

    def _flush(self, otherwise: bytes) -> bytes:
        body = flush(self._state, response_of(self._state))
        if self._sent is not None and body:
            self._sent.note(body)
        self.stream.note_ids(body)
        return (body + self._take_renewal() + self.stream.take()) or otherwise

    def _end(self, error: Exception | None) -> None:
        """Close the generator and tear its request down, inside of its contexts."""
        self._is_over = True
        try:
            close = getattr(self._events, "close", None)
            if close is not None:
                close()
        except StreamEnds:
            pass
        except Exception as closing:
            report(self._state, closing)
            error = error or closing
        finally:
            self._contexts.end(error)

    def connect(self, environ: dict[str, Any], start_response: object, write: object) -> None:
        """Take what the server offers; the request's teardown waits for the end of the stream."""
        super().connect(environ, start_response, write)
        self._contexts.keep()

    def abandon(self) -> None:
        """Close the generator in its contexts, and free what it holds."""
        try:
            if not self._is_over:
                # It may wait in its own ``finally``: the client does not have it any more.
                self.stream.leave()
                self.stream.is_sending = False
                self._contexts.run(self._end, None)
        finally:
            super().abandon()
